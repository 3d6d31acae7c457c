//! The pixels of a picture, from PNG and back.

use png::{BitDepth, ColorType, Compression, Decoder, Encoder, Limits, Transformations};
use std::io::Cursor;

/// Bytes of a pixel: red, green, blue, opacity.
const DEPTH: usize = 4;

/// Pixels, row by row from the top left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Raster {
    /// Width in pixels.
    pub width: usize,
    /// Height in pixels.
    pub height: usize,
    bytes: Vec<u8>,
}

impl Raster {
    /// All of it in one color.
    pub fn plain(width: usize, height: usize, color: [u8; DEPTH]) -> Raster {
        Raster {
            width,
            height,
            bytes: color.repeat(width * height),
        }
    }

    /// The pixels of a PNG of no more than so many pixels.
    ///
    /// # Errors
    ///
    /// What is wrong with it.
    pub fn decode(bytes: &[u8], pixels_max: u64) -> Result<Raster, String> {
        let room = usize::try_from(pixels_max).unwrap_or(usize::MAX);
        let room = room.saturating_mul(2 * DEPTH);
        let mut decoder = Decoder::new_with_limits(Cursor::new(bytes), Limits { bytes: room });
        decoder.set_transformations(
            Transformations::EXPAND | Transformations::ALPHA | Transformations::STRIP_16,
        );
        let mut reader = decoder.read_info().map_err(|why| why.to_string())?;
        let (width, height) = reader.info().size();
        if u64::from(width) * u64::from(height) > pixels_max {
            return Err(format!("{width}×{height} are too many pixels"));
        }
        let size = reader.output_buffer_size().ok_or("it is too large")?;
        let mut pixels = vec![0; size];
        let frame = reader
            .next_frame(&mut pixels)
            .map_err(|why| why.to_string())?;
        pixels.truncate(frame.buffer_size());
        let (width, height) = (width as usize, height as usize);
        let bytes = match frame.color_type {
            ColorType::Rgba => pixels,
            ColorType::GrayscaleAlpha => {
                let wide = pixels.chunks_exact(2);
                wide.flat_map(|two| [two[0], two[0], two[0], two[1]])
                    .collect()
            }
            other => return Err(format!("its colors are {other:?}")),
        };
        match bytes.len() == width * height * DEPTH {
            true => Ok(Raster {
                width,
                height,
                bytes,
            }),
            false => Err("pixels are missing".to_owned()),
        }
    }

    /// As PNG, quickly rather than small.
    ///
    /// # Errors
    ///
    /// Why it cannot be: it has no pixels.
    pub fn encode(&self) -> Result<Vec<u8>, String> {
        let mut out = Vec::new();
        let mut encoder = Encoder::new(&mut out, self.width as u32, self.height as u32);
        encoder.set_color(ColorType::Rgba);
        encoder.set_depth(BitDepth::Eight);
        encoder.set_compression(Compression::Fast);
        let mut writer = encoder.write_header().map_err(|why| why.to_string())?;
        writer
            .write_image_data(&self.bytes)
            .map_err(|why| why.to_string())?;
        writer.finish().map_err(|why| why.to_string())?;
        Ok(out)
    }

    /// A pixel, as it stands before white; none outside.
    pub fn at(&self, x: usize, y: usize) -> Option<[u8; 3]> {
        if x >= self.width || y >= self.height {
            return None;
        }
        let at = (y * self.width + x) * DEPTH;
        let &[red, green, blue, opacity] = self.bytes.get(at..at + DEPTH)? else {
            return None;
        };
        if opacity == u8::MAX {
            return Some([red, green, blue]);
        }
        let share = f32::from(opacity) / 255.0;
        let over = |part: u8| (255.0 + (f32::from(part) - 255.0) * share) as u8;
        Some([over(red), over(green), over(blue)])
    }

    /// A row, as bytes; none outside.
    pub fn row(&self, y: usize) -> Option<&[u8]> {
        let length = self.width * DEPTH;
        self.bytes.get(y * length..(y + 1) * length)
    }

    /// Colors a pixel, if there is one.
    pub fn set(&mut self, x: usize, y: usize, [red, green, blue]: [u8; 3]) {
        let at = (y * self.width + x) * DEPTH;
        if x < self.width
            && let Some(pixel) = self.bytes.get_mut(at..at + DEPTH)
        {
            pixel.copy_from_slice(&[red, green, blue, u8::MAX]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pixels_come_back_as_they_were() {
        let mut raster = Raster::plain(5, 3, [255, 255, 255, 255]);
        raster.set(4, 2, [1, 2, 3]);
        raster.set(5, 0, [9, 9, 9]);
        let png = raster.encode().unwrap();
        let again = Raster::decode(&png, 15).unwrap();
        assert_eq!(again, raster);
        assert_eq!(again.at(4, 2), Some([1, 2, 3]));
        assert_eq!((again.at(5, 2), again.at(0, 3)), (None, None));
        assert_eq!(Raster::plain(1, 1, [0, 0, 0, 0]).at(0, 0), Some([255; 3]));
    }

    #[test]
    fn what_is_no_picture_or_too_large_is_refused() {
        let png = Raster::plain(40, 40, [0, 0, 0, 255]).encode().unwrap();
        assert!(Raster::decode(&png, 1_599).unwrap_err().contains("40×40"));
        for end in 0..png.len() - 12 {
            let cut = Raster::decode(png.get(..end).unwrap(), 1_600);
            assert!(cut.is_err(), "{end} of {} bytes", png.len());
        }
        assert!(Raster::decode(b"<html>", 100).is_err());
        assert!(Raster::plain(0, 0, [0; 4]).encode().is_err());
    }
}
