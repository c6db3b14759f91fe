//! Geometries as well-known text, from the well-known binary of columns of the extension `geoarrow.wkb`.
//!
//! Takes ISO's form and the extended one, which carries a reference system; that is written in front of the
//! text, as `PostGIS` does: `SRID=4326;POINT(1 2)`. Bytes that are no geometry are written as base64: a connector
//! is not trusted to send what it announced, and other readers of the column get the bytes as they are.

use super::text;

/// Collections in collections deeper than this are no geometry that anybody has drawn.
const MAX_DEPTH: usize = 32;

const HAS_Z: u32 = 0x8000_0000;
const HAS_M: u32 = 0x4000_0000;
const HAS_SRID: u32 = 0x2000_0000;

/// Appends the text of a geometry.
pub fn write(bytes: &[u8], out: &mut Vec<u8>) {
    let start = out.len();
    let mut reader = Reader { rest: bytes };
    if reader.geometry(0, Tag::Written, out).is_none() || !reader.rest.is_empty() {
        out.truncate(start);
        text::base64(bytes, out);
    }
}

/// Whether a geometry says what it is: those of a `MULTIPOINT` don't.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Tag {
    Written,
    Left,
}

struct Reader<'a> {
    rest: &'a [u8],
}

/// How the numbers of one geometry are written.
#[derive(Clone, Copy)]
struct Form {
    big_endian: bool,
    /// Numbers of a position.
    dimensions: usize,
}

impl Reader<'_> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, rest) = self.rest.split_first_chunk()?;
        self.rest = rest;
        Some(*head)
    }

    fn number(&mut self, big_endian: bool) -> Option<u32> {
        let bytes = self.take()?;
        Some(if big_endian {
            u32::from_be_bytes(bytes)
        } else {
            u32::from_le_bytes(bytes)
        })
    }

    fn coordinate(&mut self, big_endian: bool) -> Option<f64> {
        let bytes = self.take()?;
        Some(if big_endian {
            f64::from_be_bytes(bytes)
        } else {
            f64::from_le_bytes(bytes)
        })
    }

    fn geometry(&mut self, depth: usize, tag: Tag, out: &mut Vec<u8>) -> Option<()> {
        let big_endian = match self.take::<1>()? {
            [0] => true,
            [1] => false,
            _ => return None,
        };
        let code = self.number(big_endian)?;
        if code & HAS_SRID != 0 {
            let srid = self.number(big_endian)?;
            if depth == 0 {
                out.extend_from_slice(format!("SRID={srid};").as_bytes());
            }
        }
        let plain = code & !(HAS_Z | HAS_M | HAS_SRID);
        let z = code & HAS_Z != 0 || matches!(plain / 1000, 1 | 3);
        let m = code & HAS_M != 0 || matches!(plain / 1000, 2 | 3);
        if depth > MAX_DEPTH || plain >= 4000 {
            return None;
        }
        let name: &[u8] = match plain % 1000 {
            1 => b"POINT",
            2 => b"LINESTRING",
            3 => b"POLYGON",
            4 => b"MULTIPOINT",
            5 => b"MULTILINESTRING",
            6 => b"MULTIPOLYGON",
            7 => b"GEOMETRYCOLLECTION",
            _ => return None,
        };
        if tag == Tag::Written {
            out.extend_from_slice(name);
            out.extend_from_slice(match (z, m) {
                (false, false) => b"",
                (true, false) => b" Z ",
                (false, true) => b" M ",
                (true, true) => b" ZM ",
            });
        }
        let form = Form {
            big_endian,
            dimensions: 2 + usize::from(z) + usize::from(m),
        };
        match plain % 1000 {
            1 => self.point(form, out),
            2 => self.list(form, out, |reader, out| reader.position(form, out)),
            3 => self.list(form, out, |reader, out| {
                reader.list(form, out, |reader, out| reader.position(form, out))
            }),
            7 => self.list(form, out, |reader, out| {
                reader.geometry(depth + 1, Tag::Written, out)
            }),
            _ => self.list(form, out, |reader, out| {
                reader.geometry(depth + 1, Tag::Left, out)
            }),
        }
    }

    /// A point whose coordinates are all NaN is empty: well-known binary has no other way to say so.
    fn point(&mut self, form: Form, out: &mut Vec<u8>) -> Option<()> {
        let mut position = Vec::new();
        let before = self.rest;
        self.position(form, &mut position)?;
        let mut again = Reader { rest: before };
        let empty = (0..form.dimensions)
            .all(|_| again.coordinate(form.big_endian).is_some_and(f64::is_nan));
        if empty {
            out.extend_from_slice(b" EMPTY");
        } else {
            out.push(b'(');
            out.extend_from_slice(&position);
            out.push(b')');
        }
        Some(())
    }

    fn position(&mut self, form: Form, out: &mut Vec<u8>) -> Option<()> {
        for at in 0..form.dimensions {
            if at > 0 {
                out.push(b' ');
            }
            out.extend_from_slice(self.coordinate(form.big_endian)?.to_string().as_bytes());
        }
        Some(())
    }

    fn list(
        &mut self,
        form: Form,
        out: &mut Vec<u8>,
        mut item: impl FnMut(&mut Self, &mut Vec<u8>) -> Option<()>,
    ) -> Option<()> {
        let count = self.number(form.big_endian)?;
        if count == 0 {
            out.extend_from_slice(b" EMPTY");
            return Some(());
        }
        out.push(b'(');
        for at in 0..count {
            if at > 0 {
                out.push(b',');
            }
            item(self, out)?;
        }
        out.push(b')');
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shown(bytes: &[u8]) -> String {
        let mut out = Vec::new();
        write(bytes, &mut out);
        String::from_utf8(out).expect("text")
    }

    fn point(code: u32, coordinates: &[f64]) -> Vec<u8> {
        let mut bytes = vec![1];
        bytes.extend(code.to_le_bytes());
        bytes.extend(coordinates.iter().flat_map(|number| number.to_le_bytes()));
        bytes
    }

    fn collection(code: u32, members: &[Vec<u8>]) -> Vec<u8> {
        let count = u32::try_from(members.len()).expect("few");
        let mut bytes = vec![1];
        bytes.extend(code.to_le_bytes());
        bytes.extend(count.to_le_bytes());
        bytes.extend(members.concat());
        bytes
    }

    #[test]
    fn geometries_are_written_as_databases_write_them() {
        let nan = f64::NAN;
        let line = [
            &[1, 2, 0, 0, 0, 2, 0, 0, 0][..],
            &[0; 16],
            &1_f64.to_le_bytes(),
            &2_f64.to_le_bytes(),
        ]
        .concat();
        let mut big_endian = vec![0, 0, 0, 0, 1];
        big_endian.extend(1.5_f64.to_be_bytes());
        big_endian.extend((-2_f64).to_be_bytes());
        for (bytes, text) in [
            (point(1, &[1.0, -2.5]), "POINT(1 -2.5)"),
            (point(1001, &[1.0, 2.0, 3.0]), "POINT Z (1 2 3)"),
            (
                point(HAS_Z | HAS_M | 1, &[1.0, 2.0, 3.0, 4.0]),
                "POINT ZM (1 2 3 4)",
            ),
            (point(1, &[nan, nan]), "POINT EMPTY"),
            (big_endian, "POINT(1.5 -2)"),
            (line.clone(), "LINESTRING(0 0,1 2)"),
            (
                collection(4, &[point(1, &[1.0, 2.0]), point(1, &[3.0, 4.0])]),
                "MULTIPOINT((1 2),(3 4))",
            ),
            (collection(7, &[]), "GEOMETRYCOLLECTION EMPTY"),
            (
                collection(7, &[point(1, &[1.0, 2.0]), line]),
                "GEOMETRYCOLLECTION(POINT(1 2),LINESTRING(0 0,1 2))",
            ),
        ] {
            assert_eq!(shown(&bytes), text);
        }
        let mut with_srid = vec![1];
        with_srid.extend((HAS_SRID | 1).to_le_bytes());
        with_srid.extend(4326_u32.to_le_bytes());
        with_srid.extend(&point(1, &[1.0, 2.0])[5..]);
        assert_eq!(shown(&with_srid), "SRID=4326;POINT(1 2)");
    }

    #[test]
    fn bytes_that_are_no_geometry_are_base64() {
        assert_eq!(shown(&[]), "");
        assert_eq!(shown(&[1, 2, 3]), "AQID");
        let mut long = point(1, &[1.0, 2.0]);
        long.push(0);
        assert!(!shown(&long).starts_with("POINT"));
        // A count of members that are not there.
        assert!(!shown(&[1, 7, 0, 0, 0, 255, 255, 255, 255]).starts_with("GEOMETRY"));
        let mut deep = collection(7, &[]);
        for _ in 0..100 {
            deep = collection(7, &[deep]);
        }
        assert!(!shown(&deep).starts_with("GEOMETRY"));
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
            let _ = shown(&bytes);
        }
    }
}
