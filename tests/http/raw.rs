//! What a test sends and reads byte by byte.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;

/// A call without a body, as it is sent. The connection ends after it.
pub(crate) fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n")
}

/// Everything until the service closes the connection.
pub(crate) fn rest(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    match stream.read_to_end(&mut bytes) {
        Ok(_) => {}
        Err(error) if error.kind() == ErrorKind::ConnectionReset => {}
        Err(error) => panic!("the connection stays open: {error}"),
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Sends something, and gives the status of the answer, or nothing where the connection is closed.
pub(crate) fn status(mut stream: TcpStream, request: &[u8]) -> Option<u16> {
    // The service may refuse a request before it is sent to its end.
    let _ = stream.write_all(request);
    rest(&mut stream).strip_prefix("HTTP/1.1 ")?.get(..3)?.parse().ok()
}
