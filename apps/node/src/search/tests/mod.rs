mod far;
mod liar;
mod searching;
mod shelf;
mod world;
