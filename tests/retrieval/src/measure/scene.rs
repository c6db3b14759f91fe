//! What is searched: entries whose numbers look random and are the same on every run.

use std::sync::Arc;

use datachat::knowledge::search::embed::{Embedding, Identity, Vector};
use datachat::knowledge::search::{Entry, TableName};
use datachat::knowledge::{Kind, Scope};
use uuid::Uuid;

pub const DIMENSIONS: usize = 384;

/// Entries are about so many topics: without them all vectors would be equally far from each other.
const TOPICS: usize = 200;
const WORDS: u64 = 4_000;
/// How many questions a size is asked.
const QUESTIONS: usize = 200;

/// How many entries a scope has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Size {
    Tiny,
    Small,
    Medium,
    Large,
    Huge,
}

impl Size {
    pub const ALL: [Self; 5] = [
        Self::Tiny,
        Self::Small,
        Self::Medium,
        Self::Large,
        Self::Huge,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Tiny => "up to 63",
            Self::Small => "64–255",
            Self::Medium => "256–1,023",
            Self::Large => "1,024–8,000",
            Self::Huge => "over 8,000",
        }
    }

    fn of(entries: usize) -> Self {
        match entries {
            0..64 => Self::Tiny,
            64..256 => Self::Small,
            256..1024 => Self::Medium,
            1024..=8000 => Self::Large,
            _ => Self::Huge,
        }
    }
}

/// A question to one connection.
pub struct Question {
    /// The number of the scope.
    pub scope: usize,
    pub text: String,
    pub embedding: Embedding,
}

/// Scopes one after another in one list of entries, the global one last.
pub struct Scene {
    pub entries: Vec<Entry>,
    /// Where each scope begins, and at last where the global one ends.
    borders: Vec<usize>,
    topics: Vec<Vec<f32>>,
    facets: usize,
    identity: Arc<Identity>,
}

impl Scene {
    /// `scoped` entries in `scopes` scopes, the size of each one in proportion to 1 / its rank, and `global` more,
    /// each with so many facets.
    pub fn new(scoped: usize, scopes: usize, global: usize, facets: usize) -> Self {
        let mut numbers = Numbers::new(1);
        let mut scene = Self {
            entries: Vec::with_capacity(scoped + global),
            borders: vec![0],
            topics: (0..TOPICS).map(|_| numbers.direction()).collect(),
            facets,
            identity: Arc::new(Identity {
                name: "random".to_owned(),
                digest: "1".to_owned(),
                dimensions: DIMENSIONS,
            }),
        };
        let harmonic: f64 = (1..=scopes).map(|rank| 1.0 / as_number(rank)).sum();
        for rank in 1..=scopes {
            let share = as_number(scoped) / harmonic / as_number(rank);
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a share of the entries"
            )]
            let size = (share.round() as usize).max(1);
            scene.add(scope(rank - 1), size, &mut numbers);
        }
        scene.add(Scope::Global, global, &mut numbers);
        scene
    }

    fn add(&mut self, scope: Scope, size: usize, numbers: &mut Numbers) {
        for number in 0..size {
            let topic = numbers.below(TOPICS as u64);
            let text = words(numbers, topic, 30);
            let embeddings: Vec<Embedding> = (0..=self.facets)
                .map(|_| self.embedding(topic, 0.7, numbers))
                .collect();
            self.entries.push(Entry {
                scope,
                // Nobody else's: of two equal ones in two scopes the global one would be no hit.
                id: format!("entry_{}", self.entries.len()),
                kind: Kind::ALL[number % 4],
                name: format!("{scope} {}", words(numbers, topic, 3)),
                text,
                tables: vec![TableName::parse(&format!("table_{}", number / 4))],
                links: Vec::new(),
                facets: (0..self.facets).map(|_| words(numbers, topic, 3)).collect(),
                embeddings,
            });
        }
        self.borders.push(self.entries.len());
    }

    fn embedding(&self, topic: u64, spread: f32, numbers: &mut Numbers) -> Embedding {
        let topic = &self.topics[usize::try_from(topic).unwrap_or_default()];
        let components = topic
            .iter()
            .zip(numbers.direction())
            .map(|(component, noise)| component + spread * noise)
            .collect();
        Embedding {
            identity: Arc::clone(&self.identity),
            vector: Vector::new(components, DIMENSIONS).expect("numbers that are not all zero"),
        }
    }

    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    pub fn len(&self) -> usize {
        self.entries.len()
    }

    pub fn scopes(&self) -> usize {
        self.borders.len() - 2
    }

    pub fn global(&self) -> usize {
        self.of(self.scopes()).len()
    }

    pub fn scoped(&self) -> usize {
        self.len() - self.global()
    }

    /// How many facets an entry has.
    pub fn facets(&self) -> usize {
        self.facets
    }

    pub fn largest(&self) -> usize {
        self.of(0).len()
    }

    /// The rows of a scope; the one after the last is the global one.
    pub fn of(&self, scope: usize) -> std::ops::Range<usize> {
        self.borders[scope]..self.borders[scope + 1]
    }

    /// The scopes of a size.
    pub fn sized(&self, size: Size) -> Vec<usize> {
        (0..self.scopes())
            .filter(|scope| Size::of(self.of(*scope).len()) == size)
            .collect()
    }

    /// Whether a question to a scope may find a row.
    pub fn admits(&self, scope: usize, row: usize) -> bool {
        self.of(scope).contains(&row) || self.of(self.scopes()).contains(&row)
    }

    /// Questions to scopes of a size, by turns.
    pub fn questions(&self, size: Size) -> Vec<Question> {
        let scopes = self.sized(size);
        let mut numbers = Numbers::new(7);
        let ask = |scope: usize| {
            let topic = numbers.below(TOPICS as u64);
            Question {
                scope,
                text: words(&mut numbers, topic, 6),
                embedding: self.embedding(topic, 0.7, &mut numbers),
            }
        };
        scopes
            .into_iter()
            .cycle()
            .take(if self.sized(size).is_empty() {
                0
            } else {
                QUESTIONS
            })
            .map(ask)
            .collect()
    }

    /// The nearest ten that a question may find, by comparing all.
    pub fn nearest(&self, question: &Question) -> Vec<usize> {
        let rows = self.of(question.scope).chain(self.of(self.scopes()));
        let mut all: Vec<(f32, usize)> = rows
            .filter_map(|row| {
                let vector = &self.entries[row].embeddings.first()?.vector;
                Some((
                    dot(vector.components(), question.embedding.vector.components()),
                    row,
                ))
            })
            .collect();
        let ten = all.len().min(10);
        if all.len() > ten {
            all.select_nth_unstable_by(ten, |left, right| right.0.total_cmp(&left.0));
        }
        all.truncate(ten);
        all.into_iter().map(|(_, row)| row).collect()
    }
}

/// The connection with a number.
pub fn scope(number: usize) -> Scope {
    Scope::Connection(connection(number))
}

pub fn connection(number: usize) -> Uuid {
    Uuid::from_u128(number as u128 + 1)
}

/// In sixteen sums, so that the compiler can use wide registers.
fn dot(left: &[f32], right: &[f32]) -> f32 {
    let (left, _) = left.as_chunks::<16>();
    let (right, _) = right.as_chunks::<16>();
    let mut sums = [0.0_f32; 16];
    for (left, right) in left.iter().zip(right) {
        for (sum, (left, right)) in sums.iter_mut().zip(left.iter().zip(right)) {
            *sum += left * right;
        }
    }
    sums.iter().sum()
}

/// Words of a topic, the more frequent ones more often.
fn words(numbers: &mut Numbers, topic: u64, count: usize) -> String {
    let words: Vec<String> = (0..count)
        .map(|_| {
            let rank = numbers.below(WORDS).min(numbers.below(WORDS));
            format!("w{:x}x", (rank + topic * 17) % WORDS)
        })
        .collect();
    words.join(" ")
}

fn as_number(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

/// Xorshift.
struct Numbers(u64);

impl Numbers {
    fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, end: u64) -> u64 {
        (self.next() >> 11) % end
    }

    fn direction(&mut self) -> Vec<f32> {
        #[expect(clippy::cast_precision_loss, reason = "24 bits")]
        let number = |bits: u64| (bits >> 40) as f32 / 8_388_608.0 - 1.0;
        (0..DIMENSIONS).map(|_| number(self.next())).collect()
    }
}
