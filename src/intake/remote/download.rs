//! Fetching a file, whole or not at all.

use std::io;
use std::time::Duration;

use ureq::Agent;
use ureq::http::Response;
use ureq::http::header::{AUTHORIZATION, CONTENT_TYPE, LOCATION};
use ureq::unversioned::resolver::DefaultResolver;
use ureq::unversioned::transport::DefaultConnector;
use ureq::{Body, BodyReader};

use super::super::format::Format;
use super::super::spool::Spool;
use super::resolver::{CheckedResolver, Private};
use super::{Reach, RemoteFile};
use crate::error::{Error, ErrorKind, Result};

/// How often a server may send us on.
const REDIRECTS: usize = 5;

/// The largest file that is fetched, in bytes.
const LIMIT: u64 = 1 << 30;

/// How long a server may take to say anything, and the whole file.
const ANSWER: Duration = Duration::from_secs(30);
const WHOLE: Duration = Duration::from_secs(30 * 60);

/// A file that is here now.
pub(in crate::intake) struct Downloaded {
    pub(in crate::intake) spool: Spool,
    pub(in crate::intake) format: Option<Format>,
}

/// Fetches a file.
pub(in crate::intake) fn download(file: &RemoteFile) -> Result<Downloaded> {
    download_up_to(file, LIMIT)
}

fn download_up_to(file: &RemoteFile, limit: u64) -> Result<Downloaded> {
    let agent = agent(file.reach);
    let mut at = file.clone();
    for _ in 0..=REDIRECTS {
        let response = ask(&agent, &at)?;
        let header = |name| response.headers().get(name).and_then(|value| value.to_str().ok());
        match (response.status().as_u16(), header(LOCATION)) {
            (200, _) => {
                let content_type = header(CONTENT_TYPE).and_then(Format::of_content_type);
                let format = at.format().or_else(|| file.format()).or(content_type);
                return Ok(Downloaded { spool: take(&at, response, limit)?, format });
            }
            (301 | 302 | 303 | 307 | 308, Some(location)) => at = at.redirected(location)?,
            (status, _) => return Err(refusal(&at, status)),
        }
    }
    Err(file.refused("it redirects more than 5 times"))
}

fn agent(reach: Reach) -> Agent {
    let config = Agent::config_builder()
        .https_only(reach == Reach::Public)
        .http_status_as_error(false)
        // Every hop is looked at here, and a proxy would ask for us whatever it likes.
        .max_redirects(0)
        .max_redirects_will_error(false)
        .proxy(None)
        .timeout_resolve(Some(ANSWER))
        .timeout_connect(Some(ANSWER))
        .timeout_recv_response(Some(ANSWER))
        .timeout_per_read(Some(ANSWER))
        .timeout_global(Some(WHOLE))
        .user_agent(concat!("tearoff/", env!("CARGO_PKG_VERSION")))
        .build();
    Agent::with_parts(
        config,
        DefaultConnector::default(),
        CheckedResolver { reach, system: DefaultResolver::default() },
    )
}

fn ask(agent: &Agent, file: &RemoteFile) -> Result<Response<Body>> {
    let mut url = file.url.clone();
    // Both can be taken away, since the URL has a host.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.set_fragment(None);
    let mut request = agent.get(url.as_str());
    if let Some(credentials) = file.credentials() {
        request = request.header(AUTHORIZATION, credentials);
    }
    request.call().map_err(|error| failure(file, error))
}

/// The library's own words may repeat the URL, so only what we know to be harmless is told.
fn failure(file: &RemoteFile, error: ureq::Error) -> Error {
    match error {
        ureq::Error::Other(error) if error.is::<Private>() => file.private(),
        ureq::Error::HostNotFound => file.refused("there is no such host").with_help("check the URL"),
        ureq::Error::Timeout(_) => file.refused("the server takes too long").with_help("try again later"),
        ureq::Error::Io(error) => unreachable_host(file, &error),
        ureq::Error::ConnectionFailed => file.refused("the server cannot be reached").with_help("try again later"),
        ureq::Error::Rustls(error) => file.refused(format!("the server's certificate is not trusted: {error}")),
        _ => file.refused("the server's answer cannot be understood").with_help("check the URL in a browser"),
    }
}

fn unreachable_host(file: &RemoteFile, error: &io::Error) -> Error {
    file.refused(format!("the server cannot be reached: {error}")).with_help("check the URL, and try again later")
}

fn refusal(file: &RemoteFile, status: u16) -> Error {
    let error = file.refused(format!("the server answers {status}"));
    match status {
        401 | 403 => error.with_help("the URL needs a name and password, or its signature is no longer valid"),
        404 | 410 => error.with_help("check the URL"),
        429 | 500.. => error.with_help("try again later"),
        _ => error.with_help("check the URL in a browser"),
    }
}

fn take(file: &RemoteFile, response: Response<Body>, limit: u64) -> Result<Spool> {
    let too_large = || {
        file.refused(format!("the file is larger than {} MiB", limit >> 20))
            .with_help("compress it with gzip, or fetch it yourself and import the file")
    };
    let body = response.into_body();
    let promised = body.content_length();
    if promised.is_some_and(|length| length > limit) {
        return Err(too_large());
    }
    let bytes: BodyReader<'static> = body.into_with_config().limit(u64::MAX).reader();
    let spool = Spool::fill(bytes, limit).map_err(|error| broken_off(file, &error))?.ok_or_else(too_large)?;
    let length = spool.reader().map(|reader| reader.len()).map_err(|error| broken_off(file, &error))?;
    match promised {
        Some(promised) if promised != length => Err(ends_early(file)),
        _ => Ok(spool),
    }
}

fn broken_off(file: &RemoteFile, error: &io::Error) -> Error {
    match error.kind() {
        io::ErrorKind::StorageFull => {
            Error::new(ErrorKind::Io, format!("{file}: there is no room for a copy: {error}"))
        }
        io::ErrorKind::TimedOut => file.refused("the server takes too long").with_help("try again later"),
        _ => ends_early(file),
    }
}

fn ends_early(file: &RemoteFile) -> Error {
    file.refused("the file ends early: the connection was cut").with_help("nothing was imported; try again")
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader, Read, Write};
    use std::net::TcpListener;
    use std::sync::{Arc, Mutex};

    use super::*;

    /// A server that gives each connection its answer, in order, and keeps what it was asked.
    struct Server {
        port: u16,
        asked: Arc<Mutex<Vec<String>>>,
    }

    impl Server {
        fn start(answers: Vec<String>) -> Server {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let port = listener.local_addr().unwrap().port();
            let asked = Arc::new(Mutex::new(Vec::new()));
            let log = asked.clone();
            std::thread::spawn(move || {
                for answer in answers {
                    let (mut stream, _) = listener.accept().unwrap();
                    let mut request = String::new();
                    let mut reader = BufReader::new(stream.try_clone().unwrap());
                    while reader.read_line(&mut request).unwrap() > 2 {}
                    log.lock().unwrap().push(request);
                    stream.write_all(answer.replace("PORT", &port.to_string()).as_bytes()).unwrap();
                }
            });
            Server { port, asked }
        }

        fn file(&self, rest: &str) -> RemoteFile {
            RemoteFile::on_loopback(&format!("http://ada:secret@127.0.0.1:{}{rest}", self.port)).unwrap()
        }
    }

    fn found(headers: &str, body: &str) -> String {
        format!("HTTP/1.1 200 OK\r\nConnection: close\r\n{headers}\r\n{body}")
    }

    fn moved(location: &str) -> String {
        format!("HTTP/1.1 302 Found\r\nConnection: close\r\nContent-Length: 0\r\nLocation: {location}\r\n\r\n")
    }

    fn text(downloaded: &Downloaded) -> String {
        let mut text = String::new();
        downloaded.spool.reader().unwrap().read_to_string(&mut text).unwrap();
        text
    }

    fn error(answers: &[String]) -> String {
        let error = download(&Server::start(answers.to_vec()).file("/codes?token=secret")).err().unwrap();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert!(!format!("{error} {:?}", error.help()).contains("secret"));
        error.to_string().split_once(": ").unwrap().1.to_owned()
    }

    #[test]
    fn a_file_comes_whole_and_with_its_format() {
        let server = Server::start(vec![
            moved("/next?a=b"),
            found("Content-Length: 7\r\nContent-Type: application/x-ndjson; charset=utf-8\r\n", "\"A\"\r\n\r\n"),
        ]);
        let downloaded = download(&server.file("/codes?token=secret")).unwrap();
        assert_eq!((text(&downloaded).as_str(), downloaded.format), ("\"A\"\r\n\r\n", Some(Format::JsonLines)));
        let asked = server.asked.lock().unwrap();
        assert!(asked[0].starts_with("GET /codes?token=secret HTTP/1.1\r\n"), "{asked:?}");
        assert!(asked[1].starts_with("GET /next?a=b HTTP/1.1\r\n"));
        assert!(asked.iter().all(|request| request.to_lowercase().contains("authorization: basic ywrhonnly3jlda==")));
    }

    #[test]
    fn chunks_and_closed_connections_end_a_file() {
        let chunked = found("Transfer-Encoding: chunked\r\n", "5\r\ncode\n\r\n2\r\nA\n\r\n0\r\n\r\n");
        assert_eq!(text(&download(&Server::start(vec![chunked]).file("/a.csv")).unwrap()), "code\nA\n");
        assert_eq!(text(&download(&Server::start(vec![found("", "code\nA\n")]).file("/a.csv")).unwrap()), "code\nA\n");
    }

    #[test]
    fn what_ends_early_is_an_error() {
        let early = "the file ends early: the connection was cut";
        assert_eq!(error(&[found("Content-Length: 100\r\n", "code\nA\n")]), early);
        assert_eq!(error(&[found("Transfer-Encoding: chunked\r\n", "5\r\ncode\n\r\n9\r\nA\n")]), early);
    }

    #[test]
    fn redirects_are_few_and_checked() {
        let again = moved("http://127.0.0.1:PORT/again");
        assert_eq!(error(&vec![again.clone(); 6]), "it redirects more than 5 times");
        let mut answers = vec![again; 5];
        answers.push(found("Content-Length: 1\r\n", "A"));
        assert_eq!(text(&download(&Server::start(answers).file("/")).unwrap()), "A");
        for elsewhere in ["http://10.0.0.1/", "http://169.254.169.254/latest", "http://[fe80::1]/"] {
            assert_eq!(error(&[moved(elsewhere)]), "the host is not on the public Internet", "{elsewhere}");
        }
        assert_eq!(error(&[moved("https://127.0.0.1/")]), "only http is fetched from this machine");
        assert_eq!(error(&[moved("file:///etc/passwd")]), "only http is fetched from this machine");
    }

    #[test]
    fn a_name_that_means_this_machine_is_refused() {
        let file: RemoteFile = "https://localhost:1/codes.csv".parse().unwrap();
        let error = download(&file).err().unwrap();
        assert_eq!(error.to_string(), "https://localhost:1/codes.csv: the host is not on the public Internet");
    }

    #[test]
    fn errors_of_servers_are_told() {
        assert_eq!(error(&["HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n".into()]), "the server answers 404");
        assert_eq!(error(&["nonsense\r\n\r\n".into()]), "the server's answer cannot be understood");
    }

    #[test]
    fn a_file_that_is_too_large_is_refused() {
        for headers in ["Content-Length: 2000000\r\n", ""] {
            let server = Server::start(vec![found(headers, &"a".repeat(2_000_000))]);
            let error = download_up_to(&server.file("/a.csv"), 1 << 20).err().unwrap();
            assert!(error.to_string().ends_with("the file is larger than 1 MiB"), "{error}");
        }
    }
}
