mod flows;
mod world;
