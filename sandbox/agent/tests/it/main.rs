//! The real agent as an ordinary process, driven over its socket as the server would.

mod harness;
mod server;

mod files;
mod ignore;
mod init;
mod link;
mod scan;
mod terminals;
mod viewers;
mod watch;
