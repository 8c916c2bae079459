//! A mail server: the SMTP of the `mailin` crate, which knows nothing of ours, over
//! sockets of its own. (`mailin-embedded`, its server, cannot be stopped, cannot
//! break a connection off, and brings a second TLS library.)

mod session;

use std::collections::{HashMap, VecDeque};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread::JoinHandle;
use std::time::Duration;

/// What becomes of one message to a recipient.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reception {
    Accept,
    /// A reply to the recipient, such as 550.
    Recipient(u16),
    /// A reply to the end of the message, such as 554.
    Message(u16),
    /// It is taken, and the connection breaks before the reply.
    TakeAndDrop,
    /// The connection breaks, and nothing was taken.
    Drop,
    /// Nothing is said until [`SmtpFake::release`]; then the connection breaks, and
    /// nothing was taken.
    Hang,
}

/// A message that the server has.
#[derive(Debug, Clone)]
pub struct Received {
    pub from: String,
    pub to: String,
    /// With its headers, dots undone.
    pub raw: String,
    /// Whether the connection broke before it was said to be taken.
    pub is_unanswered: bool,
}

impl Received {
    /// A header, unfolded and as it was encoded.
    pub fn header(&self, name: &str) -> String {
        let head = self.raw.split("\r\n\r\n").next().unwrap();
        let head = head.replace("\r\n ", " ").replace("\r\n\t", " ");
        let prefix = format!("{name}: ");
        let mut found = head.lines().filter_map(|line| line.strip_prefix(&prefix));
        let value = found
            .next()
            .unwrap_or_else(|| panic!("no {name} in {head}"));
        assert_eq!(found.next(), None, "{name} twice");
        value.to_owned()
    }
}

/// What the server asks for before it takes anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Demands {
    /// STARTTLS is offered.
    pub starttls: bool,
    /// TLS from the first byte.
    pub tls: bool,
    /// A user and a password.
    pub login: Option<(&'static str, &'static str)>,
}

#[derive(Default)]
struct State {
    receptions: HashMap<String, VecDeque<Reception>>,
    /// A reply to every sender, such as 451.
    sender_reply: Option<u16>,
    received: Vec<Received>,
    /// Whether the bodies are kept; a bench has no room for them.
    keep_raw: bool,
    count: usize,
    connections: usize,
    /// Conversations that were begun with a sender.
    begun: usize,
    released: bool,
    sockets: Vec<TcpStream>,
}

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
    demands: Demands,
    stopped: AtomicBool,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }
}

/// A server on a port of the loopback; gone when dropped.
pub struct SmtpFake {
    address: SocketAddr,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl SmtpFake {
    pub fn start() -> Self {
        Self::demanding(Demands::default())
    }

    pub fn demanding(demands: Demands) -> Self {
        Self::on(TcpListener::bind("127.0.0.1:0").unwrap(), demands)
    }

    /// On a port that another one left.
    pub fn at_port(port: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", port)).unwrap();
        Self::on(listener, Demands::default())
    }

    fn on(listener: TcpListener, demands: Demands) -> Self {
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            state: Mutex::new(State {
                keep_raw: true,
                ..State::default()
            }),
            changed: Condvar::new(),
            demands,
            stopped: AtomicBool::new(false),
        });
        let thread = {
            let shared = Arc::clone(&shared);
            std::thread::spawn(move || {
                for stream in listener.incoming() {
                    if shared.stopped.load(Ordering::SeqCst) {
                        return;
                    }
                    let stream = stream.unwrap();
                    let mut state = shared.lock();
                    state.connections += 1;
                    state.sockets.push(stream.try_clone().unwrap());
                    drop(state);
                    let shared = Arc::clone(&shared);
                    std::thread::spawn(move || session::serve(stream, shared));
                }
            })
        };
        Self {
            address,
            shared,
            thread: Some(thread),
        }
    }

    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Who signed its certificate.
    pub fn ca_file() -> PathBuf {
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fakes/smtp/ca.pem")
    }

    /// The messages to a recipient fare so, one after the other; then they are
    /// accepted.
    pub fn receive(&self, to: &str, receptions: impl IntoIterator<Item = Reception>) {
        let mut state = self.shared.lock();
        let queue = state.receptions.entry(to.to_owned()).or_default();
        queue.extend(receptions);
    }

    /// What was told before of a recipient does not come.
    pub fn clear(&self, to: &str) {
        self.shared.lock().receptions.remove(to);
    }

    /// Every sender gets this reply from now on.
    pub fn reply_to_senders(&self, code: Option<u16>) {
        self.shared.lock().sender_reply = code;
    }

    /// Only counts from now on.
    pub fn forget_bodies(&self) {
        self.shared.lock().keep_raw = false;
    }

    /// Ends every hanging conversation, those to come too.
    pub fn release(&self) {
        self.shared.lock().released = true;
        self.shared.changed.notify_all();
    }

    pub fn received(&self) -> Vec<Received> {
        self.shared.lock().received.clone()
    }

    /// What came since the last time.
    pub fn take_received(&self) -> Vec<Received> {
        std::mem::take(&mut self.shared.lock().received)
    }

    pub fn count(&self) -> usize {
        self.shared.lock().count
    }

    /// How often somebody connected.
    pub fn connections(&self) -> usize {
        self.shared.lock().connections
    }

    /// Waits until so many messages were begun.
    pub fn until_begun(&self, count: usize) {
        let state = self.shared.lock();
        let (state, timeout) = self
            .shared
            .changed
            .wait_timeout_while(state, Duration::from_secs(60), |state| state.begun < count)
            .unwrap();
        assert!(!timeout.timed_out(), "{} begun, not {count}", state.begun);
    }
}

impl Drop for SmtpFake {
    fn drop(&mut self) {
        self.release();
        self.shared.stopped.store(true, Ordering::SeqCst);
        // Wakes the one who waits for a connection.
        let _ = TcpStream::connect(self.address);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
        for socket in self.shared.lock().sockets.drain(..) {
            let _ = socket.shutdown(Shutdown::Both);
        }
    }
}
