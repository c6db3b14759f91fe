//! Vectors as the system database keeps them, beside the DataPoint whose texts they were made of.
//!
//! All vectors of a DataPoint are one row of bytes, with one note of who made them. Vectors of another maker are as
//! good as none: they can't be compared, and new ones are computed.

use std::sync::Arc;

use super::search::DOCUMENT_FORM;
use super::search::embed::{Embedding, Identity, Vector};

/// What is stored beside vectors: who made them, and of which form of a DataPoint.
pub(super) fn made_by(identity: &Identity) -> String {
    format!("{identity}+{DOCUMENT_FORM}")
}

/// Components as little-endian floats, one vector behind the other.
pub(super) fn to_bytes<'a>(embeddings: impl Iterator<Item = &'a Embedding>) -> Vec<u8> {
    embeddings
        .flat_map(|embedding| embedding.vector.components())
        .flat_map(|component| component.to_le_bytes())
        .collect()
}

/// The vectors that bytes hold; `None` if they hold something else.
pub(super) fn from_bytes(identity: &Arc<Identity>, bytes: &[u8]) -> Option<Vec<Embedding>> {
    let (floats, rest) = bytes.as_chunks::<4>();
    if !rest.is_empty() || floats.len() % identity.dimensions != 0 {
        return None;
    }
    let vectors = floats.chunks_exact(identity.dimensions).map(|floats| {
        let components = floats
            .iter()
            .map(|bytes| f32::from_le_bytes(*bytes))
            .collect();
        Some(Embedding {
            identity: Arc::clone(identity),
            vector: Vector::new(components, identity.dimensions).ok()?,
        })
    });
    vectors.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vectors_come_back_as_they_were_stored_and_what_is_no_row_of_them_does_not() {
        let identity = Arc::new(Identity {
            name: "plane".to_owned(),
            digest: "1".to_owned(),
            dimensions: 2,
        });
        let embedding = |x, y| Embedding {
            identity: Arc::clone(&identity),
            vector: Vector::new(vec![x, y], 2).expect("a direction"),
        };
        let embeddings = [embedding(1.0, 0.0), embedding(0.0, -1.0)];
        let bytes = to_bytes(embeddings.iter());
        assert_eq!(from_bytes(&identity, &bytes), Some(embeddings.to_vec()));
        for spoilt in [&bytes[1..], &bytes[4..], &[0; 8]] {
            assert_eq!(from_bytes(&identity, spoilt), None);
        }
    }

    #[test]
    fn another_form_of_the_text_is_another_maker_of_vectors() {
        let identity = Identity {
            name: "plane".to_owned(),
            digest: "1".to_owned(),
            dimensions: 2,
        };
        assert_eq!(made_by(&identity), format!("plane@1/2+{DOCUMENT_FORM}"));
    }
}
