//! Reads a `safetensors` file, tensor by tensor: at no time is a weight in memory twice.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

use safetensors::Dtype;
use safetensors::tensor::Metadata;
use sha2::{Digest, Sha256};

use super::ModelError;

/// The header of this model has 10 KB. It is bounded before it is read.
const MAX_HEADER: u64 = 1 << 20;

/// Shapes and values.
type ByName = HashMap<String, (Vec<usize>, Vec<f32>)>;

/// The tensors of a file, to be taken by name.
pub(super) struct Tensors {
    path: PathBuf,
    tensors: ByName,
}

impl Tensors {
    /// Takes a tensor out. A name or a shape that is not there is the file's fault.
    pub(super) fn take(&mut self, name: &str, shape: &[usize]) -> Result<Vec<f32>, ModelError> {
        match self.tensors.remove(name) {
            Some((found, values)) if found == shape => Ok(values),
            Some((found, _)) => {
                Err(self.unsuitable(format!("{name} has the shape {found:?}, not {shape:?}")))
            }
            None => Err(self.unsuitable(format!("it has no {name}"))),
        }
    }

    /// That the file is not what it should be.
    pub(super) fn unsuitable(&self, problem: String) -> ModelError {
        unsuitable(&self.path, problem)
    }

    /// The first number of a tensor's shape, if it is there.
    pub(super) fn rows(&self, name: &str) -> Option<usize> {
        self.tensors.get(name)?.0.first().copied()
    }
}

/// All tensors of 32-bit floats, and the SHA-256 of the file in hexadecimal digits.
pub(super) fn read(path: &Path) -> Result<(Tensors, String), ModelError> {
    let unreadable = |source| ModelError::Unreadable {
        path: path.to_owned(),
        source,
    };
    let mut file = Hashed {
        file: BufReader::new(File::open(path).map_err(unreadable)?),
        hash: Sha256::new(),
    };
    let mut length = [0; 8];
    file.read_exact(&mut length).map_err(unreadable)?;
    if u64::from_le_bytes(length) > MAX_HEADER {
        return Err(unsuitable(path, "it has no header of safetensors"));
    }
    let mut header = Vec::new();
    (&mut file)
        .take(u64::from_le_bytes(length))
        .read_to_end(&mut header)
        .map_err(unreadable)?;
    let header: Metadata =
        serde_json::from_slice(&header).map_err(|problem| unsuitable(path, problem.to_string()))?;
    let tensors = read_tensors(&mut file, path, &header)?;
    let digest = format!("{:x}", file.hash.finalize());
    let path = path.to_owned();
    Ok((Tensors { path, tensors }, digest))
}

fn read_tensors(
    file: &mut impl Read,
    path: &Path,
    header: &Metadata,
) -> Result<ByName, ModelError> {
    let mut tensors = HashMap::new();
    // In the order in which they lie; reading the header has checked that there are no gaps.
    for name in header.offset_keys() {
        let Some(info) = header.info(&name) else {
            continue;
        };
        let size = info.data_offsets.1 - info.data_offsets.0;
        let mut bytes = Vec::new();
        file.take(size as u64)
            .read_to_end(&mut bytes)
            .map_err(|source| ModelError::Unreadable {
                path: path.to_owned(),
                source,
            })?;
        if bytes.len() != size {
            return Err(unsuitable(path, "it is cut short"));
        }
        if info.dtype == Dtype::F32 {
            let (values, _) = bytes.as_chunks::<4>();
            let values = values.iter().copied().map(f32::from_le_bytes).collect();
            tensors.insert(name, (info.shape.clone(), values));
        }
    }
    Ok(tensors)
}

/// Hashes what is read.
struct Hashed {
    file: BufReader<File>,
    hash: Sha256,
}

impl Read for Hashed {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.file.read(buffer)?;
        self.hash.update(&buffer[..read]);
        Ok(read)
    }
}

fn unsuitable(path: &Path, problem: impl Into<String>) -> ModelError {
    ModelError::Unsuitable {
        path: path.to_owned(),
        problem: problem.into(),
    }
}
