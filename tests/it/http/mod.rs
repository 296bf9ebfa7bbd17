//! The server over real sockets.

mod accounts;
mod bodies;
mod routes;
mod sockets;
mod terminals;
