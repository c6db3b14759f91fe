//! Pages of the list of connections.
//!
//! A cursor is the place (time of creation, id) after which the next page begins, so pages stay right while
//! connections come and go. It is opaque to clients: base64 of the two.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use uuid::Uuid;

/// The place of a connection in the list, which runs from the greatest to the least.
pub(super) type Place = (i64, Uuid);

/// The place that precedes the environment database and follows every row.
pub(super) const AFTER_ROWS: Place = (i64::MIN, Uuid::nil());

/// A place as a cursor.
pub(super) fn encode((created_at, id): Place) -> String {
    let mut bytes = created_at.to_be_bytes().to_vec();
    bytes.extend_from_slice(id.as_bytes());
    URL_SAFE_NO_PAD.encode(bytes)
}

/// A cursor as a place; `None` if it is not one of ours.
pub(super) fn decode(cursor: &str) -> Option<Place> {
    let bytes = URL_SAFE_NO_PAD.decode(cursor).ok()?;
    let (created_at, id) = bytes.split_first_chunk::<8>()?;
    Some((i64::from_be_bytes(*created_at), Uuid::from_slice(id).ok()?))
}

/// Cuts the items after `cursor` down to `limit`; the second value is the place of the next page's start.
pub(super) fn cut<T>(
    items: Vec<(Place, T)>,
    limit: Option<usize>,
    cursor: Option<Place>,
) -> (Vec<T>, Option<Place>) {
    let mut rest = items
        .into_iter()
        .filter(|(place, _)| cursor.is_none_or(|cursor| *place < cursor));
    let Some(limit) = limit else {
        return (rest.map(|(_, item)| item).collect(), None);
    };
    let mut last = None;
    let mut page = Vec::new();
    for (place, item) in rest.by_ref().take(limit) {
        last = Some(place);
        page.push(item);
    }
    let next = if rest.next().is_some() { last } else { None };
    (page, next)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn items() -> Vec<(Place, u32)> {
        vec![
            ((9, Uuid::from_u128(1)), 1),
            ((9, Uuid::from_u128(0)), 2),
            ((5, Uuid::from_u128(7)), 3),
            (AFTER_ROWS, 4),
        ]
    }

    #[test]
    fn pages_hold_every_item_once_and_in_order() {
        for limit in 1..=5 {
            let mut seen = Vec::new();
            let mut cursor = None;
            loop {
                let (page, next) = cut(items(), Some(limit), cursor);
                assert!(page.len() <= limit);
                seen.extend(page);
                let Some(next) = next else { break };
                cursor = decode(&encode(next));
                assert_eq!(cursor, Some(next));
            }
            assert_eq!(seen, [1, 2, 3, 4], "limit {limit}");
        }
    }

    #[test]
    fn without_a_limit_there_is_no_next_page() {
        assert_eq!(cut(items(), None, None), (vec![1, 2, 3, 4], None));
    }

    #[test]
    fn a_full_last_page_has_no_next() {
        assert_eq!(cut(items(), Some(4), None).1, None);
    }

    #[test]
    fn what_is_no_cursor_of_ours_is_refused() {
        for text in ["", "x", "!!!", "AAAAAAAAAAA", &"A".repeat(64)] {
            assert_eq!(decode(text), None, "{text}");
        }
    }
}
