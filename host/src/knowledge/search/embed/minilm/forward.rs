//! The forward pass: BERT with six layers, as in the paper, for one text at a time.
//!
//! One text a time needs neither padding nor masks, and texts are short. Everything is 32-bit floats.

use ndarray::{Array1, Array2, Axis, s};

use super::ModelError;
use super::weights::Tensors;

/// The length of a token's vector, and of the result.
pub(super) const HIDDEN: usize = 384;
const LAYERS: usize = 6;
const HEADS: usize = 12;
const HEAD: usize = HIDDEN / HEADS;
/// As numbers to calculate with.
const HIDDEN_F32: f32 = 384.0;
const HEAD_F32: f32 = 32.0;
const INNER: usize = 1536;
const POSITIONS: usize = 512;
/// Keeps the division in [`Norm`] finite.
const EPSILON: f32 = 1e-12;

/// The weights, in the order of their use.
pub(super) struct Bert {
    words: Array2<f32>,
    /// With the type of the first sentence added: there is no second one.
    positions: Array2<f32>,
    norm: Norm,
    layers: Vec<Layer>,
}

struct Layer {
    query: Linear,
    key: Linear,
    value: Linear,
    attended: Linear,
    attended_norm: Norm,
    inner: Linear,
    outer: Linear,
    outer_norm: Norm,
}

impl Bert {
    pub(super) fn new(tensors: &mut Tensors) -> Result<Self, ModelError> {
        const WORDS: &str = "embeddings.word_embeddings.weight";
        let vocabulary = tensors.rows(WORDS).unwrap_or_default();
        let words = matrix(tensors, WORDS, [vocabulary, HIDDEN])?;
        let positions = matrix(
            tensors,
            "embeddings.position_embeddings.weight",
            [POSITIONS, HIDDEN],
        )?;
        let types = matrix(
            tensors,
            "embeddings.token_type_embeddings.weight",
            [2, HIDDEN],
        )?;
        Ok(Self {
            words,
            positions: positions + types.row(0),
            norm: Norm::new(tensors, "embeddings.LayerNorm")?,
            layers: (0..LAYERS)
                .map(|at| Layer::new(tensors, &format!("encoder.layer.{at}")))
                .collect::<Result<_, _>>()?,
        })
    }

    /// How many tokens there are.
    pub(super) fn vocabulary(&self) -> usize {
        self.words.nrows()
    }

    /// The mean of the tokens' last vectors. A token that the vocabulary doesn't have counts as its first one.
    pub(super) fn embed(&self, tokens: &[u32]) -> Vec<f32> {
        let tokens = &tokens[..tokens.len().min(POSITIONS)];
        let rows: Vec<usize> = tokens
            .iter()
            .map(|token| *token as usize)
            .map(|token| if token < self.words.nrows() { token } else { 0 })
            .collect();
        let words = self.words.select(Axis(0), &rows);
        let mut states = self
            .norm
            .apply(words + self.positions.slice(s![..rows.len(), ..]));
        for layer in &self.layers {
            states = layer.apply(&states);
        }
        states
            .mean_axis(Axis(0))
            .unwrap_or_else(|| Array1::zeros(HIDDEN))
            .to_vec()
    }
}

impl Layer {
    fn new(tensors: &mut Tensors, name: &str) -> Result<Self, ModelError> {
        let mut linear = |part: &str, outputs, inputs| {
            Linear::new(tensors, &format!("{name}.{part}"), outputs, inputs)
        };
        let query = linear("attention.self.query", HIDDEN, HIDDEN)?;
        let key = linear("attention.self.key", HIDDEN, HIDDEN)?;
        let value = linear("attention.self.value", HIDDEN, HIDDEN)?;
        let attended = linear("attention.output.dense", HIDDEN, HIDDEN)?;
        let inner = linear("intermediate.dense", INNER, HIDDEN)?;
        let outer = linear("output.dense", HIDDEN, INNER)?;
        Ok(Self {
            query,
            key,
            value,
            attended,
            attended_norm: Norm::new(tensors, &format!("{name}.attention.output.LayerNorm"))?,
            inner,
            outer,
            outer_norm: Norm::new(tensors, &format!("{name}.output.LayerNorm"))?,
        })
    }

    fn apply(&self, states: &Array2<f32>) -> Array2<f32> {
        let attention = self.attend(states);
        let states = self
            .attended_norm
            .apply(self.attended.apply(&attention) + states);
        let mut inner = self.inner.apply(&states);
        inner.mapv_inplace(gelu);
        self.outer_norm.apply(self.outer.apply(&inner) + &states)
    }

    /// Every token looks at every token, with twelve heads.
    fn attend(&self, states: &Array2<f32>) -> Array2<f32> {
        let [query, key, value] =
            [&self.query, &self.key, &self.value].map(|linear| linear.apply(states));
        let scale = 1.0 / HEAD_F32.sqrt();
        let mut attended = Array2::zeros(states.raw_dim());
        for head in 0..HEADS {
            let columns = s![.., head * HEAD..(head + 1) * HEAD];
            let mut weights = query.slice(columns).dot(&key.slice(columns).t()) * scale;
            for row in weights.rows_mut() {
                softmax(row.into_slice().unwrap_or_default());
            }
            attended
                .slice_mut(columns)
                .assign(&weights.dot(&value.slice(columns)));
        }
        attended
    }
}

/// `x · Wᵀ + b`.
struct Linear {
    weight: Array2<f32>,
    bias: Array1<f32>,
}

impl Linear {
    fn new(
        tensors: &mut Tensors,
        name: &str,
        outputs: usize,
        inputs: usize,
    ) -> Result<Self, ModelError> {
        Ok(Self {
            weight: matrix(tensors, &format!("{name}.weight"), [outputs, inputs])?,
            bias: tensors.take(&format!("{name}.bias"), &[outputs])?.into(),
        })
    }

    fn apply(&self, states: &Array2<f32>) -> Array2<f32> {
        states.dot(&self.weight.t()) + &self.bias
    }
}

/// Brings every token's vector to mean 0 and variance 1, then to learnt ones.
struct Norm {
    weight: Array1<f32>,
    bias: Array1<f32>,
}

impl Norm {
    fn new(tensors: &mut Tensors, name: &str) -> Result<Self, ModelError> {
        Ok(Self {
            weight: tensors.take(&format!("{name}.weight"), &[HIDDEN])?.into(),
            bias: tensors.take(&format!("{name}.bias"), &[HIDDEN])?.into(),
        })
    }

    fn apply(&self, mut states: Array2<f32>) -> Array2<f32> {
        for mut row in states.rows_mut() {
            let mean = row.mean().unwrap_or_default();
            row -= mean;
            let variance = row.dot(&row) / HIDDEN_F32;
            row /= (variance + EPSILON).sqrt();
            row *= &self.weight;
            row += &self.bias;
        }
        states
    }
}

fn matrix(tensors: &mut Tensors, name: &str, shape: [usize; 2]) -> Result<Array2<f32>, ModelError> {
    let values = tensors.take(name, &shape)?;
    Array2::from_shape_vec(shape, values)
        .map_err(|problem| tensors.unsuitable(format!("{name}: {problem}")))
}

/// The exact form, with the error function; the usual approximation would give other vectors.
fn gelu(x: f32) -> f32 {
    0.5 * x * (1.0 + libm::erff(x * std::f32::consts::FRAC_1_SQRT_2))
}

fn softmax(row: &mut [f32]) {
    let most = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let mut sum = 0.0;
    for value in row.iter_mut() {
        *value = (*value - most).exp();
        sum += *value;
    }
    for value in row {
        *value /= sum;
    }
}
