//! Everything together: the real program, real sandboxes, a client that checks every byte. What a user sees is tested here.

mod both_ways;
mod commands;
mod deleted;
mod deleting;
mod editing;
mod fall;
mod frozen;
mod hidden;
mod history;
mod importing;
mod isolation;
mod kept;
pub(crate) mod life;
mod lifetime;
mod limits;
mod neighbours;
mod pool;
mod processes;
mod programs;
mod remains;
mod searching;
mod threats;
mod unkept;
mod viewers;
mod volumes;
