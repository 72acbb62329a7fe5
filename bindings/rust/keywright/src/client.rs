use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use keywright_sys as sys;

use crate::convert::{borrowed, Texts};
use crate::driver::{AsyncHandle, Driver};
use crate::handle::{check, Handle};
use crate::{ClientOptions, Error, Result, Status, VERSION};

/// A way to one server, with the links it needs. Its operations block. A clone is the same client.
#[derive(Clone)]
pub struct Client {
    pub(crate) handle: Handle<sys::kw_client>,
}

/// A way to one server, with the links it needs. Its operations are awaited, on any executor. A clone is the same
/// client.
#[derive(Clone)]
pub struct AsyncClient {
    pub(crate) handle: AsyncHandle<sys::kw_client>,
}

impl Client {
    /// Makes a client from a URL: `redis://` or `valkey://[user[:password]@]host[:port][/database][?option=value]`,
    /// `unix:///path`, or `embedded://` for a private server. It does not connect: the first call does. Only
    /// `embedded://` does more: it starts its server, and waits up to 10 s for it.
    pub fn open(url: &str) -> Result<Self> {
        Client::open_with(url, &ClientOptions::default())
    }

    /// [`Client::open`], with options. What the URL says comes first.
    pub fn open_with(url: &str, options: &ClientOptions) -> Result<Self> {
        library_fits()?;
        let mut texts = Texts::default();
        let url = texts.of("url", url)?;
        let options = options.native(&mut texts)?;
        // SAFETY: texts and options outlive the call.
        let handle = Handle::open(|out, error| unsafe { sys::kw_client_open(url, &options, out, error) })?;
        Ok(Client { handle })
    }

    /// The same client, for calls of another deadline.
    pub fn with_timeout(&self, timeout: Duration) -> Self {
        Client { handle: self.handle.with_timeout(timeout) }
    }

    /// Ends every call in flight with [`Status::CLOSED`] and closes all links. Calling it again does nothing. Whatever
    /// was made from the client answers `CLOSED` from now on. The last clone to be dropped closes by itself.
    pub fn close(&self) -> Result<()> {
        close(&self.handle)
    }
}

impl AsyncClient {
    /// Makes a client from a URL, as [`Client::open`] does, and starts the thread that collects its answers.
    pub fn open(url: &str) -> Result<Self> {
        AsyncClient::open_with(url, &ClientOptions::default())
    }

    /// [`AsyncClient::open`], with options. What the URL says comes first.
    pub fn open_with(url: &str, options: &ClientOptions) -> Result<Self> {
        let client = Client::open_with(url, options)?;
        let driver = Arc::new(Driver::start(client.handle.clone(), options.timeout)?);
        Ok(AsyncClient { handle: AsyncHandle { handle: client.handle, driver } })
    }

    /// The same client, for calls of another deadline.
    pub fn with_timeout(&self, timeout: Duration) -> Self {
        AsyncClient { handle: self.handle.with_timeout(timeout) }
    }

    /// Ends every call in flight with [`Status::CLOSED`] and closes all links. Calling it again does nothing. Whatever
    /// was made from the client answers `CLOSED` from now on. The last clone to be dropped closes by itself.
    pub fn close(&self) -> Result<()> {
        close(&self.handle.handle)
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_tuple("Client").field(&self.url()).finish()
    }
}

impl fmt::Debug for AsyncClient {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_tuple("AsyncClient").field(&self.url()).finish()
    }
}

pub(crate) fn close(handle: &Handle<sys::kw_client>) -> Result<()> {
    // SAFETY: the handle is alive.
    check(|error| unsafe { sys::kw_client_close(handle.as_ptr(), sys::KW_DEFAULT_TIMEOUT, error) }).map(drop)
}

/// Compares the library that was loaded with the version that this crate was made for.
fn library_fits() -> Result<()> {
    // SAFETY: a static text.
    let loaded = unsafe { borrowed(sys::kw_version()) };
    if fits(&loaded, VERSION) {
        return Ok(());
    }
    let message = format!("the C library is version {loaded}, and this crate needs {VERSION}: install that one");
    Err(Error::new(Status::UNSUPPORTED, message))
}

/// Whether a library of that version can stand under a crate made for another: equal in what may break (the first
/// number that is not zero), and not older.
fn fits(library: &str, needed: &str) -> bool {
    let numbers = |version: &str| -> Vec<u32> { version.split('.').map(|word| word.parse().unwrap_or(0)).collect() };
    let (have, want) = (numbers(library), numbers(needed));
    have.first() == want.first() && (have.first() != Some(&0) || have.get(1) == want.get(1)) && have >= want
}

#[cfg(test)]
mod tests {
    use super::fits;

    #[test]
    fn an_older_or_a_breaking_library_does_not_fit() {
        for (library, needed, expected) in [
            ("0.1.0", "0.1.0", true),
            ("0.1.7", "0.1.2", true),
            ("0.1.1", "0.1.2", false),
            ("0.2.0", "0.1.0", false),
            ("1.4.0", "1.3.9", true),
            ("1.2.9", "1.3.0", false),
            ("2.0.0", "1.3.0", false),
            ("2.5.0", "1.3.0", false),
            ("nonsense", "0.1.0", false),
        ] {
            assert_eq!(fits(library, needed), expected, "{library} under a crate for {needed}");
        }
    }
}
