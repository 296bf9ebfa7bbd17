//! The server over real sockets.

mod accounts;
mod archive;
mod bodies;
mod routes;
mod sockets;
mod terminals;
mod upload;
