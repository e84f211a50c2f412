//! Servers that stop reading or answering: callers come back in time, and the connection goes on when the server does.
#![allow(clippy::unwrap_used, reason = "a test's helpers may")]

mod common;

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::os::unix::net::UnixListener;
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::Duration;

use bulla_client::{CallError, CallOptions, Client, Lost, client_bounds};
use bulla_core::connection::{Closed, Limits};
use tempfile::TempDir;

use crate::common::{Reply, TestServer, codecs, echo, key, serve, serve_with};

fn options(milliseconds: u64) -> CallOptions {
    CallOptions::new().deadline(Duration::from_millis(milliseconds))
}

/// A Unix socket in front of a server; while the gate is held, nothing is read from the client.
struct Gated {
    gate: Arc<Mutex<()>>,
    address: String,
    _folder: TempDir,
}

fn gated(server: &TestServer) -> Gated {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bulla.sock");
    let listener = UnixListener::bind(&path).unwrap();
    let gate = Arc::new(Mutex::new(()));
    let (held, upstream) = (Arc::clone(&gate), server.address);
    thread::spawn(move || {
        let (mut client, _) = listener.accept().unwrap();
        let mut server = TcpStream::connect(upstream).unwrap();
        let (mut back, mut down) = (client.try_clone().unwrap(), server.try_clone().unwrap());
        thread::spawn(move || std::io::copy(&mut down, &mut back));
        let mut buffer = vec![0; 64 << 10];
        loop {
            let count = client.read(&mut buffer).unwrap_or(0);
            drop(held.lock().unwrap());
            if count == 0 || server.write_all(&buffer[..count]).is_err() {
                break;
            }
        }
        let _ = server.shutdown(Shutdown::Write);
    });
    Gated { gate, address: format!("unix:{}", path.display()), _folder: folder }
}

fn wide() -> Limits {
    let mut limits = Limits::default();
    limits.credit = 4 << 20;
    limits
}

#[test]
fn a_server_that_stops_reading_holds_nobody_up_beyond_the_deadline() {
    let server = serve_with(&["json"], wide(), echo);
    let gated = gated(&server);
    let builder = Client::builder().server(&gated.address).key(key(7)).codecs(codecs()).limits(wide());
    let client = builder.connect().unwrap();
    let long = "x".repeat(1 << 20);
    let closed = gated.gate.lock().unwrap();
    thread::scope(|scope| {
        // More than the socket takes: the writer must not keep the others from coming back.
        let writer = scope.spawn(|| client.call_with::<_, String>("echo", &long, &options(1000)));
        let error = client.call_with::<_, ()>("echo", &(), &options(50)).unwrap_err();
        assert!(matches!(error, CallError::Deadline { .. }), "{error}");
        assert!(!writer.is_finished(), "the other call came back only with the writer");
        let error = writer.join().unwrap().unwrap_err();
        assert!(matches!(error, CallError::Deadline { sent: true, .. }), "{error}");
    });
    drop(closed);
    assert!(client.call::<_, String>("echo", &long).unwrap() == long, "the connection goes on");
    assert_eq!(server.log.connections.load(std::sync::atomic::Ordering::SeqCst), 1);
}

#[test]
fn a_server_that_falls_silent_is_given_up() {
    let (release, held) = mpsc::channel::<()>();
    let held = Mutex::new(held);
    let server = serve(&["json"], move |_| {
        // The whole server waits: it answers no ping either.
        let _ = held.lock().unwrap().recv();
        Reply::Nothing
    });
    let mut bounds = client_bounds();
    (bounds.keepalive, bounds.idle) = (Duration::from_millis(50), Duration::from_millis(150));
    let client = server.builder().bounds(bounds).connect().unwrap();
    let error = client.call::<_, ()>("wait", &()).unwrap_err();
    let CallError::MayHaveRun { reason, .. } = &error else { panic!("{error}") };
    assert_eq!(*reason, Lost::Closed(Closed::Silent));
    drop(release);
}

#[test]
fn a_server_that_answers_pings_may_take_its_time() {
    let server = serve(&["json"], |_| Reply::Silence);
    let mut bounds = client_bounds();
    (bounds.keepalive, bounds.idle) = (Duration::from_millis(20), Duration::from_millis(100));
    let client = server.builder().bounds(bounds).connect().unwrap();
    let error = client.call_with::<_, ()>("slow", &(), &options(400)).unwrap_err();
    assert!(matches!(error, CallError::Deadline { .. }), "{error}");
    assert_eq!(server.log.connections.load(std::sync::atomic::Ordering::SeqCst), 1);
}

#[test]
fn a_server_that_never_reads_again_is_given_up() {
    let server = serve_with(&["json"], wide(), echo);
    let gated = gated(&server);
    let mut bounds = client_bounds();
    bounds.idle = Duration::from_secs(1);
    let builder = Client::builder().server(&gated.address).key(key(7)).codecs(codecs()).limits(wide()).bounds(bounds);
    let client = builder.connect().unwrap();
    let closed = gated.gate.lock().unwrap();
    let error = client.call::<_, String>("echo", &"x".repeat(1 << 20)).unwrap_err();
    // Whichever of the two is noticed first: nothing is taken, and nothing comes.
    let expected = |reason: &Lost| matches!(reason, Lost::Stalled(_) | Lost::Closed(Closed::Silent));
    assert!(matches!(&error, CallError::MayHaveRun { reason, .. } if expected(reason)), "{error}");
    drop(closed);
}
