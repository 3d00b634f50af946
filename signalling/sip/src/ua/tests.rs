mod world;

mod flows;
