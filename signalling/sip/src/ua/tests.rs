mod peer;
mod world;

mod bounds;
mod called;
mod calling;
mod flows;
mod loss;
mod refusals;
mod streams;
