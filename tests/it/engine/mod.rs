//! Sandboxes in a real Docker Engine of our own.

mod embedded;
mod events;
mod images;
mod isolation;
mod life;
