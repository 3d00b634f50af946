mod server;
mod vectors;
