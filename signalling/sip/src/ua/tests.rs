mod peer;
mod world;

mod bounds;
mod called;
mod calling;
mod changes;
mod flows;
mod loss;
mod provisional;
mod refusals;
