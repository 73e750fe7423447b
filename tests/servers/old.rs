//! A server that is too old.

use std::io::{BufRead, BufReader, Read, Result, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::thread::spawn;

const INFO: &str = "# Server\r\nredis_version:5.0.7\r\nredis_mode:standalone\r\n# Persistence\r\nloading:0\r\naof_enabled:1\r\n\
                    # Replication\r\nrole:master\r\nconnected_slaves:0\r\n";

/// Answers as Redis 5.0.7 would: it knows neither `HELLO` nor scripts that begin with `#!lua`. Gives the URL; the server
/// lasts as long as the test program.
pub(crate) fn redis_5() -> String {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    spawn(move || {
        for stream in listener.incoming().flatten() {
            spawn(move || talk(&stream));
        }
    });
    format!("redis://127.0.0.1:{port}")
}

fn talk(stream: &TcpStream) -> Result<()> {
    let mut reader = BufReader::new(stream);
    loop {
        let words = command(&mut reader)?;
        let mut stream = stream;
        stream.write_all(answer(&words).as_bytes())?;
    }
}

fn command(reader: &mut impl BufRead) -> Result<Vec<String>> {
    (0..number(reader)?).map(|_| word(reader)).collect()
}

/// The number in a line such as `*2` or `$5`.
fn number(reader: &mut impl BufRead) -> Result<usize> {
    let mut line = String::new();
    reader.read_line(&mut line)?;
    line.get(1..).and_then(|number| number.trim().parse().ok()).ok_or_else(|| std::io::ErrorKind::UnexpectedEof.into())
}

fn word(reader: &mut impl BufRead) -> Result<String> {
    let mut bytes = vec![0; number(reader)? + 2];
    reader.read_exact(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes[..bytes.len() - 2]).into_owned())
}

fn answer(words: &[String]) -> String {
    let bulk = |text: &str| format!("${}\r\n{text}\r\n", text.len());
    let upper: Vec<String> = words.iter().take(2).map(|word| word.to_uppercase()).collect();
    match upper[0].as_str() {
        "INFO" => bulk(INFO),
        "PING" => "+PONG\r\n".to_owned(),
        "AUTH" | "SELECT" => "+OK\r\n".to_owned(),
        "SCRIPT" => format!("+{}\r\n", "0".repeat(40)),
        "EVALSHA" => "-NOSCRIPT No matching script. Please use EVAL.\r\n".to_owned(),
        "EVAL" => {
            "-ERR Error compiling script (new function): user_script:1: unexpected symbol near '#'\r\n".to_owned()
        }
        "CLIENT" => {
            "-ERR Unknown subcommand or wrong number of arguments for 'SETINFO'. Try CLIENT HELP\r\n".to_owned()
        }
        "CONFIG" => settings(&words[2..]),
        command => format!("-ERR unknown command `{command}`, with args beginning with: \r\n"),
    }
}

/// What the program wants: only the version is wrong. A server of that age answers a single name at a time.
fn settings(names: &[String]) -> String {
    let [name] = names else { return "-ERR wrong number of arguments for 'config|get' command\r\n".to_owned() };
    let value = match name.to_lowercase().as_str() {
        "appendonly" => "yes",
        "appendfsync" => "always",
        "no-appendfsync-on-rewrite" => "no",
        "maxmemory-policy" => "noeviction",
        _ => "0",
    };
    format!("*2\r\n${}\r\n{name}\r\n${}\r\n{value}\r\n", name.len(), value.len())
}
