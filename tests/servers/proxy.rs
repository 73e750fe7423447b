//! A bad line to a server.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread::{sleep, spawn};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

/// What the line does to what passes through it.
#[derive(Clone, Copy)]
enum Weather {
    Fair,
    /// With this probability, a reply is not passed on and its connection is cut. What was asked has been done by then.
    CutReplies(f64),
    /// Nothing passes. It is not lost: it arrives when the weather is fair again.
    Hole,
    /// Everything passes later.
    Delay(Duration),
}

struct Line {
    weather: Mutex<Weather>,
    chance: Mutex<StdRng>,
    cuts: Mutex<usize>,
    closed: Mutex<bool>,
}

/// A proxy on 127.0.0.1 before a server.
pub(crate) struct Proxy {
    port: u16,
    line: Arc<Line>,
}

impl Proxy {
    /// A good line to the server on this port of 127.0.0.1; `seed` says which replies it cuts later.
    pub(crate) fn before(server: u16, seed: u64) -> Proxy {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let line = Line {
            weather: Mutex::new(Weather::Fair),
            chance: Mutex::new(StdRng::seed_from_u64(seed)),
            cuts: Mutex::new(0),
            closed: Mutex::new(false),
        };
        let proxy = Proxy { port: listener.local_addr().unwrap().port(), line: Arc::new(line) };
        let line = Arc::clone(&proxy.line);
        spawn(move || serve(&listener, server, &line));
        proxy
    }

    /// The URL of a store behind this line.
    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Cuts so many replies, from 0 to 1, after the server did what was asked.
    pub(crate) fn cut_replies(&self, share: f64) {
        self.line.change(Weather::CutReplies(share));
    }

    /// Lets nothing pass, and does not say so.
    pub(crate) fn swallow(&self) {
        self.line.change(Weather::Hole);
    }

    /// Lets everything pass so much later.
    pub(crate) fn delay(&self, time: Duration) {
        self.line.change(Weather::Delay(time));
    }

    /// Lets everything pass again.
    pub(crate) fn heal(&self) {
        self.line.change(Weather::Fair);
    }

    /// How many replies were cut.
    pub(crate) fn cuts(&self) -> usize {
        *self.line.cuts.lock().unwrap()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.heal();
        *self.line.closed.lock().unwrap() = true;
        // Wakes the listener, so that it ends.
        let _ = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port));
    }
}

impl Line {
    fn change(&self, weather: Weather) {
        *self.weather.lock().unwrap() = weather;
    }

    /// Holds up what passes; says whether it may pass at all.
    fn pass(&self, is_reply: bool) -> bool {
        loop {
            let weather = *self.weather.lock().unwrap();
            match weather {
                Weather::Fair => return true,
                Weather::Hole => sleep(Duration::from_millis(5)),
                Weather::Delay(time) => {
                    sleep(time);
                    return true;
                }
                Weather::CutReplies(share) => {
                    let cut = is_reply && self.chance.lock().unwrap().random_bool(share);
                    *self.cuts.lock().unwrap() += usize::from(cut);
                    return !cut;
                }
            }
        }
    }
}

fn serve(listener: &TcpListener, server: u16, line: &Arc<Line>) {
    for client in listener.incoming().flatten() {
        if *line.closed.lock().unwrap() {
            return;
        }
        // Without a server, the caller finds the connection closed.
        let Ok(server) = TcpStream::connect((Ipv4Addr::LOCALHOST, server)) else { continue };
        for (from, to, is_reply) in [(&client, &server, false), (&server, &client, true)] {
            let (from, to, line) = (from.try_clone().unwrap(), to.try_clone().unwrap(), Arc::clone(line));
            spawn(move || pump(from, to, &line, is_reply));
        }
    }
}

fn pump(mut from: TcpStream, mut to: TcpStream, line: &Line, is_reply: bool) {
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(read @ 1..) = from.read(&mut buffer) {
        if !line.pass(is_reply) || to.write_all(&buffer[..read]).is_err() {
            break;
        }
    }
    let _ = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
}
