//! The same values, read by the `clickhouse` crate in the server's native format.
//!
//! Every value becomes the text that Arrow shows of it: a leaf through an array of one, so that only reading is
//! compared, not spelling.

use std::sync::Arc;

use arrow_array::types::{
    ArrowTimestampType, TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType,
};
use arrow_array::{
    ArrayRef, Date32Array, Decimal128Array, Decimal256Array, DurationSecondArray,
    FixedSizeBinaryArray, Float32Array, Float64Array, TimestampSecondArray,
};
use arrow_array::{
    DurationMicrosecondArray, DurationMillisecondArray, DurationNanosecondArray, PrimitiveArray,
};
use arrow_buffer::i256;
use arrow_cast::display::array_value_to_string;
use clickhouse::Compression;
use clickhouse::native::decode::{Decode, ValueReader};
use clickhouse::native::{ArrayData, DataTypeNode};
use clickhouse::types::{Int256, UInt256};
use datachat_throwaway::ClickHouse;
use tokio::runtime::{Builder, Runtime};

type BoxedError = Box<dyn std::error::Error + Send + Sync>;

pub struct Client {
    runtime: Runtime,
    client: clickhouse::Client,
}

impl Client {
    pub fn new(server: &ClickHouse) -> Self {
        let runtime = Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        let client = clickhouse::Client::default()
            .with_url(format!("http://{}:{}", server.host(), server.port()))
            .with_user(server.user())
            .with_password(server.password())
            .with_compression(Compression::None);
        Self { runtime, client }
    }

    /// The first value of a result.
    pub fn first(&self, sql: &str) -> Result<String, BoxedError> {
        Ok(self.column(sql)?.swap_remove(0))
    }

    /// The values of a result's only column.
    pub fn column(&self, sql: &str) -> Result<Vec<String>, BoxedError> {
        // A question mark would be a parameter.
        let sql = sql.replace('?', "??");
        self.runtime.block_on(async {
            let mut blocks = self.client.query(&sql).fetch_native()?;
            let mut values = Vec::new();
            while let Some(block) = blocks.next().await? {
                let Some(column) = block.columns().first() else {
                    continue;
                };
                if let DataTypeNode::Tuple(elements) = column.data_type()
                    && elements.len() == 2
                {
                    for pair in column.iter::<(Shown, Shown)>()? {
                        let (first, second) = pair?;
                        values.push(format!("{{1: {}, 2: {}}}", first.0, second.0));
                    }
                    continue;
                }
                for value in column.iter::<Shown>()? {
                    values.push(value?.0);
                }
            }
            Ok(values)
        })
    }
}

/// A value of any type as Arrow shows it.
struct Shown(String);

impl<'a> Decode<'a> for Shown {
    fn compatible(_: &DataTypeNode) -> bool {
        true
    }

    fn decode(reader: &mut ValueReader<'a>) -> Result<Self, BoxedError> {
        leaf(reader).map(Self)
    }

    fn decode_null(_: &DataTypeNode) -> Result<Self, BoxedError> {
        Ok(Self(String::new()))
    }

    fn decode_array(data: ArrayData<'a>) -> Result<Self, BoxedError> {
        let values: Vec<String> = data
            .into_reader::<Self>()?
            .map(|value| value.map(|value| value.0))
            .collect::<Result<_, _>>()?;
        Ok(Self(format!("[{}]", values.join(", "))))
    }

    fn decode_map(keys: ArrayData<'a>, values: ArrayData<'a>) -> Result<Self, BoxedError> {
        let entries: Vec<String> = keys
            .into_reader::<Self>()?
            .zip(values.into_reader::<Self>()?)
            .map(|(key, value)| Ok(format!("{}: {}", key?.0, value?.0)))
            .collect::<Result<_, BoxedError>>()?;
        Ok(Self(format!("{{{}}}", entries.join(", "))))
    }
}

fn leaf(reader: &mut ValueReader<'_>) -> Result<String, BoxedError> {
    let ty = reader.data_type().remove_compatible_wrappers().clone();
    number_or_text(reader, &ty)
}

fn number_or_text(reader: &mut ValueReader<'_>, ty: &DataTypeNode) -> Result<String, BoxedError> {
    macro_rules! number {
        ($ty:ty) => {
            <$ty>::from_le_bytes(*reader.read_bytes_fixed()?)
        };
    }
    Ok(match ty {
        DataTypeNode::Nullable(inner) => {
            let inner = inner.remove_compatible_wrappers().clone();
            return number_or_text(reader, &inner);
        }
        DataTypeNode::Bool => (number!(u8) != 0).to_string(),
        DataTypeNode::Int8 => number!(i8).to_string(),
        DataTypeNode::Int16 => number!(i16).to_string(),
        DataTypeNode::Int32 => number!(i32).to_string(),
        DataTypeNode::Int64 | DataTypeNode::Interval(_) => number!(i64).to_string(),
        DataTypeNode::Int128 => number!(i128).to_string(),
        DataTypeNode::UInt8 => number!(u8).to_string(),
        DataTypeNode::UInt16 => number!(u16).to_string(),
        DataTypeNode::UInt32 => number!(u32).to_string(),
        DataTypeNode::UInt64 => number!(u64).to_string(),
        DataTypeNode::UInt128 => number!(u128).to_string(),
        DataTypeNode::Int256 => Int256::from_le_bytes(*reader.read_bytes_fixed()?).to_string(),
        DataTypeNode::UInt256 => UInt256::from_le_bytes(*reader.read_bytes_fixed()?).to_string(),
        DataTypeNode::BFloat16 => {
            // The upper half of a float32.
            let upper = u32::from(number!(u16));
            shown(Float32Array::from(vec![f32::from_bits(upper << 16)]))?
        }
        DataTypeNode::Float32 => shown(Float32Array::from(vec![number!(f32)]))?,
        DataTypeNode::Float64 => shown(Float64Array::from(vec![number!(f64)]))?,
        DataTypeNode::Decimal(precision, scale, _) => decimal(reader, *precision, *scale)?,
        DataTypeNode::String => String::from_utf8(reader.native_bytes().to_vec())?,
        DataTypeNode::FixedString(_) => {
            let bytes = reader.native_bytes();
            shown(FixedSizeBinaryArray::try_from_iter([bytes].into_iter())?)?
        }
        DataTypeNode::UUID => {
            // Two numbers, the upper first.
            let (upper, lower) = (number!(u64), number!(u64));
            format!("{upper:016x}{lower:016x}")
        }
        DataTypeNode::Date => shown(Date32Array::from(vec![i32::from(number!(u16))]))?,
        DataTypeNode::Date32 => shown(Date32Array::from(vec![number!(i32)]))?,
        DataTypeNode::DateTime(zone) => {
            let seconds = TimestampSecondArray::from(vec![i64::from(number!(u32))]);
            shown(seconds.with_timezone(zone.clone().unwrap_or("UTC".to_owned())))?
        }
        DataTypeNode::DateTime64(_, zone) => {
            let zone = zone.clone().unwrap_or("UTC".to_owned());
            moment(number!(i64), digits(ty)?, &zone)?
        }
        DataTypeNode::Time => shown(DurationSecondArray::from(vec![i64::from(number!(i32))]))?,
        DataTypeNode::Time64(_) => length(number!(i64), digits(ty)?)?,
        DataTypeNode::IPv4 => std::net::Ipv4Addr::decode(reader)?.to_string(),
        DataTypeNode::IPv6 => std::net::Ipv6Addr::decode(reader)?.to_string(),
        DataTypeNode::Enum(_, names) => {
            let number = match reader.native_bytes() {
                [number] => i16::from(number.cast_signed()),
                _ => number!(i16),
            };
            names.get(&number).ok_or("a number without a name")?.clone()
        }
        other => return Err(format!("{other} is not read here").into()),
    })
}

fn shown(array: impl arrow_array::Array + 'static) -> Result<String, BoxedError> {
    let array: ArrayRef = Arc::new(array);
    Ok(array_value_to_string(&array, 0)?)
}

fn decimal(reader: &mut ValueReader<'_>, precision: u8, scale: u8) -> Result<String, BoxedError> {
    let scale = i8::try_from(scale)?;
    let bytes = reader.native_bytes();
    // Of any width, with its sign in front.
    let fill = if bytes.last().is_some_and(|last| *last >= 0x80) {
        0xff
    } else {
        0
    };
    let mut wide = [fill; 32];
    wide[..bytes.len()].copy_from_slice(bytes);
    let number = i256::from_le_bytes(wide);
    if precision > 38 {
        return shown(
            Decimal256Array::from(vec![number]).with_precision_and_scale(precision, scale)?,
        );
    }
    let number = number.to_i128().ok_or("too wide a number")?;
    shown(Decimal128Array::from(vec![number]).with_precision_and_scale(precision, scale)?)
}

/// How many digits after the second's point a type has.
fn digits(ty: &DataTypeNode) -> Result<u32, BoxedError> {
    let text = ty.to_string();
    let (_, rest) = text.split_once('(').ok_or("no digits")?;
    let end = rest.find([',', ')']).ok_or("no digits")?;
    Ok(rest[..end].trim().parse()?)
}

fn moment(number: i64, digits: u32, zone: &str) -> Result<String, BoxedError> {
    fn of<T: ArrowTimestampType>(number: i64, zone: &str) -> Result<String, BoxedError> {
        shown(PrimitiveArray::<T>::from_iter_values([number]).with_timezone(zone))
    }
    match digits {
        0 => shown(TimestampSecondArray::from(vec![number]).with_timezone(zone)),
        1..=3 => of::<TimestampMillisecondType>(number * 10_i64.pow(3 - digits), zone),
        4..=6 => of::<TimestampMicrosecondType>(number * 10_i64.pow(6 - digits), zone),
        _ => of::<TimestampNanosecondType>(number * 10_i64.pow(9 - digits), zone),
    }
}

fn length(number: i64, digits: u32) -> Result<String, BoxedError> {
    match digits {
        0 => shown(DurationSecondArray::from(vec![number])),
        1..=3 => shown(DurationMillisecondArray::from(vec![
            number * 10_i64.pow(3 - digits),
        ])),
        4..=6 => shown(DurationMicrosecondArray::from(vec![
            number * 10_i64.pow(6 - digits),
        ])),
        _ => shown(DurationNanosecondArray::from(vec![
            number * 10_i64.pow(9 - digits),
        ])),
    }
}
