//! Geometries: four bytes of reference system in front of well-known binary.
//!
//! The extension `geoarrow.wkb` takes well-known binary. The reference system differs from value to value and
//! is not in a column's description, so it can't be in the field's metadata: a value that has one (other than
//! 0) becomes extended well-known binary, which carries it and which readers of the extension take as well.

use super::error::Fault;

/// The bit of a geometry's type that says that the reference system follows.
const HAS_SRID: u32 = 0x2000_0000;

/// Rewrites a value into `out`.
pub(super) fn write(value: &[u8], out: &mut Vec<u8>) -> Result<(), Fault> {
    let wrong = Fault::Malformed("a geometry is cut short");
    let (&srid, wkb) = value.split_first_chunk::<4>().ok_or(wrong)?;
    if srid == [0; 4] {
        out.extend_from_slice(wkb);
        return Ok(());
    }
    let (&[order, a, b, c, d], rest) = wkb.split_first_chunk::<5>().ok_or(wrong)?;
    let srid = u32::from_le_bytes(srid);
    out.push(order);
    if order == 0 {
        out.extend((u32::from_be_bytes([a, b, c, d]) | HAS_SRID).to_be_bytes());
        out.extend(srid.to_be_bytes());
    } else {
        out.extend((u32::from_le_bytes([a, b, c, d]) | HAS_SRID).to_le_bytes());
        out.extend(srid.to_le_bytes());
    }
    out.extend_from_slice(rest);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_system_stays_with_its_value() {
        let point = [
            &[1, 1, 0, 0, 0][..],
            &1_f64.to_le_bytes(),
            &2_f64.to_le_bytes(),
        ]
        .concat();
        let mut out = Vec::new();
        write(&[&[0; 4][..], &point].concat(), &mut out).expect("valid");
        assert_eq!(out, point);
        out.clear();
        write(&[&4326_u32.to_le_bytes()[..], &point].concat(), &mut out).expect("valid");
        assert_eq!(out[..9], [1, 1, 0, 0, 0x20, 0xE6, 0x10, 0, 0]);
        assert_eq!(out[9..], point[5..]);
        assert!(write(&[1, 0, 0, 0, 1], &mut out).is_err());
        assert!(write(&[0], &mut out).is_err());
    }
}
