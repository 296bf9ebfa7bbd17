//! The server over real sockets.

mod accounts;
mod archive;
mod bodies;
mod import;
mod many;
mod routes;
mod search;
mod sockets;
mod terminals;
mod upload;
