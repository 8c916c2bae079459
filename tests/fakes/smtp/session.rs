//! One connection.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{IpAddr, TcpStream};
use std::sync::{Arc, Mutex, OnceLock};

use mailin::{Action, AuthMechanism, Handler, Response, SessionBuilder, response};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use super::{Received, Reception, Shared};

/// What is to be done instead of what mailin says.
#[derive(Default)]
struct Instead {
    /// mailin stays within a message that was refused at its end, so the reply is
    /// put in its place.
    reply: Option<u16>,
    drop: bool,
}

struct Receiver {
    shared: Arc<Shared>,
    instead: Arc<Mutex<Instead>>,
    reception: Reception,
    from: String,
    to: String,
    raw: Vec<u8>,
}

impl Receiver {
    fn take(&self) {
        let mut state = self.shared.lock();
        state.count += 1;
        if state.keep_raw {
            let received = Received {
                from: self.from.clone(),
                to: self.to.clone(),
                raw: String::from_utf8(self.raw.clone()).unwrap(),
                is_unanswered: self.reception == Reception::TakeAndDrop,
            };
            state.received.push(received);
        }
        self.shared.changed.notify_all();
    }

    fn hang(&self) {
        let state = self.shared.lock();
        let released = self
            .shared
            .changed
            .wait_while(state, |state| !state.released);
        drop(released.unwrap());
        self.instead.lock().unwrap().drop = true;
    }
}

fn reply(code: u16) -> Response {
    Response::custom(code, "on purpose".to_owned())
}

impl Handler for Receiver {
    fn mail(&mut self, _ip: IpAddr, _domain: &str, from: &str) -> Response {
        let mut state = self.shared.lock();
        state.begun += 1;
        self.shared.changed.notify_all();
        match state.sender_reply {
            Some(code) => reply(code),
            None => {
                from.clone_into(&mut self.from);
                response::OK
            }
        }
    }

    fn rcpt(&mut self, to: &str) -> Response {
        to.clone_into(&mut self.to);
        self.raw.clear();
        let next = {
            let mut state = self.shared.lock();
            let queue = state.receptions.get_mut(to);
            queue.and_then(std::collections::VecDeque::pop_front)
        };
        self.reception = next.unwrap_or(Reception::Accept);
        match self.reception {
            Reception::Recipient(code) => {
                // As servers do, and as ours must not repeat.
                Response::custom(code, format!("<{to}>: on purpose"))
            }
            Reception::Drop => {
                self.instead.lock().unwrap().drop = true;
                response::OK
            }
            Reception::Hang => {
                self.hang();
                response::OK
            }
            _ => response::OK,
        }
    }

    fn data(&mut self, line: &[u8]) -> std::io::Result<()> {
        self.raw.extend_from_slice(line);
        Ok(())
    }

    fn data_end(&mut self) -> Response {
        let mut instead = self.instead.lock().unwrap();
        match self.reception {
            Reception::Message(code) => instead.reply = Some(code),
            Reception::TakeAndDrop => {
                instead.drop = true;
                self.take();
            }
            _ => self.take(),
        }
        response::OK
    }

    fn auth_plain(&mut self, _authorization: &str, user: &str, password: &str) -> Response {
        if self.shared.demands.login == Some((user, password)) {
            response::AUTH_OK
        } else {
            response::INVALID_CREDENTIALS
        }
    }
}

/// Serves a connection to its end. One that breaks is the client's affair.
pub fn serve(stream: TcpStream, shared: Arc<Shared>) {
    let _ = stream.set_nodelay(true);
    let _ = if shared.demands.tls {
        let tls = StreamOwned::new(ServerConnection::new(tls_config()).unwrap(), stream);
        converse(Wire::Tls(Box::new(tls)), &shared)
    } else {
        converse(Wire::Plain(stream), &shared)
    };
}

enum Wire {
    Plain(TcpStream),
    Tls(Box<StreamOwned<ServerConnection, TcpStream>>),
}

impl Read for Wire {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        match self {
            Self::Plain(stream) => stream.read(buffer),
            Self::Tls(stream) => stream.read(buffer),
        }
    }
}

impl Wire {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        match self {
            Self::Plain(stream) => stream.write_all(bytes),
            Self::Tls(stream) => {
                stream.write_all(bytes)?;
                stream.flush()
            }
        }
    }
}

fn converse(wire: Wire, shared: &Arc<Shared>) -> std::io::Result<()> {
    let instead = Arc::new(Mutex::new(Instead::default()));
    let receiver = Receiver {
        shared: Arc::clone(shared),
        instead: Arc::clone(&instead),
        reception: Reception::Accept,
        from: String::new(),
        to: String::new(),
        raw: Vec::new(),
    };
    let mut builder = SessionBuilder::new("mail.example");
    if shared.demands.starttls {
        builder.enable_start_tls();
    }
    if shared.demands.login.is_some() {
        builder.enable_auth(AuthMechanism::Plain);
        builder.insecure_enable_plaintext_auth();
    }
    let mut session = builder.build(IpAddr::from([127, 0, 0, 1]), receiver);
    let mut reader = BufReader::with_capacity(64 << 10, wire);
    say(reader.get_mut(), &session.greeting())?;
    let mut line = Vec::new();
    loop {
        line.clear();
        if reader.read_until(b'\n', &mut line)? == 0 {
            return Ok(());
        }
        let answer = session.process(&line);
        let (other, drop) = {
            let mut instead = instead.lock().unwrap();
            (instead.reply.take(), instead.drop)
        };
        if drop {
            if let Wire::Plain(stream) = reader.get_ref() {
                let _ = stream.shutdown(std::net::Shutdown::Both);
            }
            return Ok(());
        }
        let answer = other.map_or(answer, reply);
        match answer.action {
            Action::NoReply => {}
            Action::Reply => say(reader.get_mut(), &answer)?,
            Action::Close => return say(reader.get_mut(), &answer),
            Action::UpgradeTls => {
                say(reader.get_mut(), &answer)?;
                let Wire::Plain(stream) = reader.into_inner() else {
                    return Ok(());
                };
                let tls = StreamOwned::new(ServerConnection::new(tls_config()).unwrap(), stream);
                reader = BufReader::with_capacity(64 << 10, Wire::Tls(Box::new(tls)));
                session.tls_active();
            }
        }
    }
}

fn say(wire: &mut Wire, answer: &Response) -> std::io::Result<()> {
    let mut bytes = Vec::new();
    answer.write_to(&mut bytes)?;
    wire.write(&bytes)
}

/// A certificate for localhost, good for a century, whose key everybody has.
fn tls_config() -> Arc<ServerConfig> {
    static CONFIG: OnceLock<Arc<ServerConfig>> = OnceLock::new();
    let make = || {
        let certificate = CertificateDer::from_pem_slice(include_bytes!("server.pem")).unwrap();
        let key = PrivateKeyDer::from_pem_slice(include_bytes!("server.key")).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key);
        Arc::new(config.unwrap())
    };
    Arc::clone(CONFIG.get_or_init(make))
}
