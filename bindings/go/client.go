package keywright

// #include <keywright.h>
import "C"

import (
	"fmt"
	"runtime"
	"strconv"
	"strings"
	"sync"
)

// Client is a way to one server, with the links it needs. Safe to use from many goroutines.
type Client struct {
	native *C.kw_client
	loop   *loop
}

// Open makes a client from a URL: redis:// or valkey://[user[:password]@]host[:port][/database][?option=value],
// unix:///path, or embedded:// for a private server. It does not connect: the first call does. Only embedded:// does
// more: it starts its server, and waits up to 10 s for it.
func Open(url string, options ...ClientOptions) (*Client, error) {
	if err := libraryFits(); err != nil {
		return nil, err
	}
	chosen, err := optional("options", options)
	if err != nil {
		return nil, err
	}
	var texts texts
	defer texts.free()
	address, settings := texts.of("url", url), chosen.native(&texts)
	if texts.err != nil {
		return nil, texts.err
	}
	var native *C.kw_client
	var failure C.kw_error
	if status := C.kw_client_open(address, settings, &native, &failure); status != C.KW_OK {
		return nil, errorOf(status, &failure)
	}
	calls, err := startLoop(native, chosen)
	if err != nil {
		C.kw_client_free(native)
		return nil, err
	}
	client := &Client{native: native, loop: calls}
	runtime.AddCleanup(client, func(calls *loop) { go calls.release() }, calls)
	return client, nil
}

// Close ends every call in flight with ErrClosed and closes all links. Calling it again does nothing. Whatever was
// made from the client answers ErrClosed from now on. A client that is no longer reachable closes by itself.
func (c *Client) Close() error {
	defer runtime.KeepAlive(c)
	var failure C.kw_error
	if status := C.kw_client_close(c.handle(), C.KW_DEFAULT_TIMEOUT, &failure); status != C.KW_OK {
		return errorOf(status, &failure)
	}
	<-c.loop.ended
	return nil
}

// handle is what C knows the client by; nil of a nil or a zero one.
func (c *Client) handle() *C.kw_client {
	if c == nil {
		return nil
	}
	return c.native
}

// libraryFits compares the library that was loaded with the version that this package was made for.
var libraryFits = sync.OnceValue(func() error {
	loaded := C.GoString(C.kw_version())
	if fits(loaded, Version) {
		return nil
	}
	return &Error{
		Code:     StatusUnsupported,
		Position: -1,
		Message:  fmt.Sprintf("the C library is version %s, and this package needs %s: install that one", loaded, Version),
	}
})

// fits says whether a library of that version can stand under a package made for another: equal in what may break
// (the first number that is not zero), and not older.
func fits(library, needed string) bool {
	have, want := numbers(library), numbers(needed)
	if have[0] != want[0] || have[0] == 0 && have[1] != want[1] {
		return false
	}
	return have[1] > want[1] || have[1] == want[1] && have[2] >= want[2]
}

func numbers(version string) (parts [3]int) {
	for i, word := range strings.SplitN(version, ".", 3) {
		parts[i], _ = strconv.Atoi(word)
	}
	return parts
}
