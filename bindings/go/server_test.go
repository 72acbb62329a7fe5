package keywright_test

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// A clockServer is a private server whose clock a test sets, and a connection to look at its keys.
type clockServer struct {
	url     string
	clock   *os.File
	conn    net.Conn
	replies *bufio.Reader
}

// guard starts the server and waits at a pipe whose other end this process holds, so that the server ends with it,
// however it ends. $1 is the folder, $2 the clock library, the rest the server's command line.
const guard = `folder=$1 library=$2; shift 2
trap '' INT TERM HUP
LD_PRELOAD=$library KEYWRIGHT_TEST_CLOCK=$folder/clock "$@" </dev/null >"$folder/output" 2>&1 &
read -r _
kill -9 $! 2>/dev/null; wait 2>/dev/null
rm -rf "$folder"`

// startClockServer skips the test where the clock cannot be set.
func startClockServer(t *testing.T) *clockServer {
	library := os.Getenv("KEYWRIGHT_TEST_CLOCK_LIBRARY")
	if library == "" {
		t.Skip("the server's clock cannot be set here: no KEYWRIGHT_TEST_CLOCK_LIBRARY")
	}
	folder := must[string](t)(os.MkdirTemp("/tmp", "keywright-test-"))
	socket := filepath.Join(folder, "s")
	clock := must[*os.File](t)(os.Create(filepath.Join(folder, "clock")))
	if err := clock.Truncate(16); err != nil {
		t.Fatal(err)
	}
	shell := exec.Command("sh", "-c", guard, "sh", folder, library, serverProgram(t), "--port", "0",
		"--unixsocket", socket, "--dir", folder, "--save", "", "--appendonly", "no")
	life := must[io.WriteCloser](t)(shell.StdinPipe())
	if err := shell.Start(); err != nil {
		t.Fatal(err)
	}
	server := &clockServer{url: "unix://" + socket, clock: clock}
	t.Cleanup(func() {
		if server.conn != nil {
			server.conn.Close()
		}
		clock.Close()
		life.Close()
		shell.Wait()
	})
	until(t, "the server answers", func() (up bool) {
		server.conn, _ = net.Dial("unix", socket)
		return server.conn != nil
	})
	server.replies = bufio.NewReader(server.conn)
	server.freeze(t, 1_700_000_000_000_000)
	if now := server.command(t, "TIME"); fmt.Sprint(now) != "[1700000000 0]" {
		t.Skip("this server's clock cannot be held to the microsecond")
	}
	return server
}

func serverProgram(t *testing.T) string {
	if named := os.Getenv("KEYWRIGHT_SERVER"); named != "" {
		return named
	}
	for _, name := range []string{"redis-server", "valkey-server"} {
		if found, err := exec.LookPath(name); err == nil {
			return found
		}
	}
	t.Fatal("no redis-server or valkey-server on PATH; set KEYWRIGHT_SERVER")
	return ""
}

// freeze lets the server's clock stand still at a moment.
func (s *clockServer) freeze(t *testing.T, us int64) {
	t.Helper()
	frozen := binary.NativeEndian.AppendUint64(nil, uint64(us))
	if _, err := s.clock.WriteAt(frozen, 8); err != nil {
		t.Fatal(err)
	}
}

// command sends one command and gives its reply: texts, numbers as texts, nil, lists; an error fails the test.
func (s *clockServer) command(t *testing.T, words ...string) any {
	t.Helper()
	out := fmt.Appendf(nil, "*%d\r\n", len(words))
	for _, word := range words {
		out = fmt.Appendf(out, "$%d\r\n%s\r\n", len(word), word)
	}
	s.conn.SetDeadline(time.Now().Add(10 * time.Second))
	if _, err := s.conn.Write(out); err != nil {
		t.Fatal(err)
	}
	reply, err := s.reply()
	if err != nil {
		t.Fatalf("%q: %v", words, err)
	}
	return reply
}

func (s *clockServer) reply() (any, error) {
	line, err := s.replies.ReadString('\n')
	if err != nil {
		return nil, err
	}
	kind, rest := line[0], strings.TrimRight(line[1:], "\r\n")
	switch kind {
	case '+', ':':
		return rest, nil
	case '$', '*':
		count, err := strconv.Atoi(rest)
		if err != nil || count < 0 {
			return nil, err
		}
		if kind == '$' {
			data := make([]byte, count+2)
			_, err := io.ReadFull(s.replies, data)
			return string(data[:count]), err
		}
		list := make([]any, count)
		for i := range list {
			if list[i], err = s.reply(); err != nil {
				return nil, err
			}
		}
		return list, nil
	default:
		return nil, fmt.Errorf("the server replied %q", line)
	}
}
