mod peer;
mod world;

mod bounds;
mod called;
mod calling;
mod changes;
mod extras;
mod flows;
mod loss;
mod provisional;
mod refusals;
mod streams;
mod timers;
mod transfers;
