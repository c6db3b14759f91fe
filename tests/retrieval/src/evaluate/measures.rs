//! What is measured: the usual three.

/// Sums over questions.
#[derive(Debug, Default)]
pub struct Measures {
    questions: u32,
    hits_at_5: f64,
    recalls_at_10: f64,
    reciprocal_ranks: f64,
}

impl Measures {
    /// Adds what one question has found, the best first.
    pub fn add(&mut self, found: &[&str], relevant: &[String]) {
        let is_relevant = |id: &&str| relevant.iter().any(|relevant| relevant == id);
        let first = found.iter().position(is_relevant);
        let ten = found.iter().take(10).filter(|id| is_relevant(id)).count();
        self.questions += 1;
        self.hits_at_5 += f64::from(first.is_some_and(|rank| rank < 5));
        self.recalls_at_10 += as_number(ten) / as_number(relevant.len().min(10));
        self.reciprocal_ranks += first.map_or(0.0, |rank| 1.0 / as_number(rank + 1));
    }

    /// How many questions were asked.
    pub fn questions(&self) -> u32 {
        self.questions
    }

    /// The share of questions with something relevant among the first five.
    pub fn hit_at_5(&self) -> f64 {
        self.mean(self.hits_at_5)
    }

    /// The share of what is relevant that is among the first ten, on average.
    pub fn recall_at_10(&self) -> f64 {
        self.mean(self.recalls_at_10)
    }

    /// The mean of 1 / the rank of the first relevant one.
    pub fn mrr(&self) -> f64 {
        self.mean(self.reciprocal_ranks)
    }

    fn mean(&self, sum: f64) -> f64 {
        sum / f64::from(self.questions.max(1))
    }
}

fn as_number(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_three_measures_are_those_of_the_textbook() {
        let relevant = ["a", "b"].map(str::to_owned);
        let mut measures = Measures::default();
        measures.add(&["x", "a", "y", "b"], &relevant);
        measures.add(&["x", "x", "x", "x", "x", "a"], &relevant);
        measures.add(&["x"], &relevant);
        measures.add(&[], &relevant);
        let near = |left: f64, right: f64| (left - right).abs() < 1e-9;
        assert!(near(measures.hit_at_5(), 1.0 / 4.0));
        assert!(near(measures.recall_at_10(), (1.0 + 0.5) / 4.0));
        assert!(near(measures.mrr(), (1.0 / 2.0 + 1.0 / 6.0) / 4.0));
    }
}
