//! Attacks nothing: the plugin that must go on answering while others are contained.

use datachat_hostile::{Attack, Hostile};

struct Neighbour;

impl Attack for Neighbour {
    const NAME: &'static str = "neighbour";
}

type Plugin = Hostile<Neighbour>;
datachat_sdk::connector::export!(Plugin);
