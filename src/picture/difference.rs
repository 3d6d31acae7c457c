//! In which pixels two pictures differ, as an eye would say, and where on the page those stand.
//!
//! Colors are compared in YIQ, weighed as Kotsarenko and Ramos found ("Measuring perceived color difference using YIQ
//! NTSC transmission color space in mobile applications", 2010). A pixel whose color only smooths an edge does not
//! count, as Vyšniauskas tells such pixels ("Anti-aliased pixel and intensity slope detector", 2009). Invariant: a
//! picture does not differ from itself, and the order of the two changes no count.

use super::raster::Raster;

/// How far apart two colors may be, as a share of the farthest two. What one browser draws twice with the same fonts is
/// the same to the last bit, so a pale gray on white is a change already (a common value is 0.1).
const THRESHOLD: f32 = 0.015;
/// How far apart black and white are.
const FARTHEST: f32 = 35_215.0;
/// Side of the squares in which differences are gathered, in pixels.
const TILE: usize = 32;
/// Pixels of one square that make a difference by themselves, however many may differ on the whole: a quarter.
const TILE_PIXELS: u64 = 256;

/// A place on the page, in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Region {
    /// From the left.
    pub x: usize,
    /// From the top.
    pub y: usize,
    /// Width.
    pub width: usize,
    /// Height.
    pub height: usize,
    /// Pixels in it that differ.
    pub pixels: u64,
}

/// In what two pictures differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Pixels that differ.
    pub pixels: u64,
    /// Where, the largest first.
    pub regions: Vec<Region>,
    /// Whether so many of them stand together that no allowance covers them.
    pub is_dense: bool,
    width: usize,
    marks: Vec<bool>,
}

/// Compares two pictures; what only one of them has differs.
pub fn between(old: &Raster, new: &Raster) -> Difference {
    let (width, height) = (old.width.max(new.width), old.height.max(new.height));
    let mut marks = vec![false; width * height];
    let mut pixels = 0;
    for (y, row) in marks.chunks_exact_mut(width.max(1)).enumerate() {
        if old.row(y) == new.row(y) {
            continue;
        }
        for (x, mark) in row.iter_mut().enumerate() {
            if differs(old, new, x, y) {
                *mark = true;
                pixels += 1;
            }
        }
    }
    let tiles = Tiles::of(&marks, width);
    let mut filled = tiles.all.iter().flatten();
    let is_dense = filled.any(|tile| tile.pixels > TILE_PIXELS);
    Difference {
        pixels,
        regions: tiles.regions(),
        is_dense,
        width,
        marks,
    }
}

fn differs(old: &Raster, new: &Raster, x: usize, y: usize) -> bool {
    match (old.at(x, y), new.at(x, y)) {
        (Some(before), Some(now)) => {
            before != now
                && distance(before, now) > FARTHEST * THRESHOLD * THRESHOLD
                && !smooths(old, new, x, y)
                && !smooths(new, old, x, y)
        }
        (before, now) => before != now,
    }
}

/// How far apart two colors are to an eye, squared.
fn distance(a: [u8; 3], b: [u8; 3]) -> f32 {
    let part = |at: usize| f32::from(a[at]) - f32::from(b[at]);
    let (red, green, blue) = (part(0), part(1), part(2));
    let y = red * 0.298_895_3 + green * 0.586_622_5 + blue * 0.114_482_23;
    let i = red * 0.595_977_8 - green * 0.274_176_1 - blue * 0.321_801_9;
    let q = red * 0.211_470_2 - green * 0.522_617_1 + blue * 0.311_146_9;
    0.505_3 * y * y + 0.299 * i * i + 0.195_7 * q * q
}

fn brightness(color: [u8; 3]) -> f32 {
    let [red, green, blue] = color.map(f32::from);
    red * 0.298_895_3 + green * 0.586_622_5 + blue * 0.114_482_23
}

/// Whether a pixel only smooths an edge: it stands between a darker and a brighter neighbor, one of which belongs to
/// something plain in both pictures.
fn smooths(one: &Raster, other: &Raster, x: usize, y: usize) -> bool {
    let Some(own) = one.at(x, y).map(brightness) else {
        return false;
    };
    let (mut darkest, mut brightest) = ((0.0, None), (0.0, None));
    let mut equal = 0;
    for (x, y) in around(x, y) {
        let Some(color) = one.at(x, y) else {
            equal += 1;
            continue;
        };
        let by = brightness(color) - own;
        if by == 0.0 {
            equal += 1;
        } else if by < darkest.0 {
            darkest = (by, Some((x, y)));
        } else if by > brightest.0 {
            brightest = (by, Some((x, y)));
        }
    }
    let (Some(dark), Some(bright)) = (darkest.1, brightest.1) else {
        return false;
    };
    equal <= 2
        && [dark, bright]
            .into_iter()
            .any(|(x, y)| is_plain(one, x, y) && is_plain(other, x, y))
}

/// Whether at least three neighbors have the same color.
fn is_plain(raster: &Raster, x: usize, y: usize) -> bool {
    let own = raster.at(x, y);
    own.is_some()
        && around(x, y)
            .filter(|(x, y)| raster.at(*x, *y) == own)
            .count()
            >= 3
}

fn around(x: usize, y: usize) -> impl Iterator<Item = (usize, usize)> {
    let places = (0..9).filter(|at| *at != 4);
    places.filter_map(move |at| Some(((x + at % 3).checked_sub(1)?, (y + at / 3).checked_sub(1)?)))
}

/// What differs in each square, row by row of so many.
struct Tiles {
    columns: usize,
    all: Vec<Option<Region>>,
}

impl Tiles {
    fn of(marks: &[bool], width: usize) -> Tiles {
        let columns = width.div_ceil(TILE).max(1);
        let mut all = Vec::new();
        for (y, row) in marks.chunks_exact(width.max(1)).enumerate() {
            let first = y / TILE * columns;
            all.resize(first + columns, None);
            for (x, _) in row.iter().enumerate().filter(|(_, is_marked)| **is_marked) {
                let one = Region {
                    x,
                    y,
                    width: 1,
                    height: 1,
                    pixels: 1,
                };
                if let Some(tile) = all.get_mut(first + x / TILE) {
                    *tile = Some(tile.map_or(one, |tile: Region| tile.with(one)));
                }
            }
        }
        Tiles { columns, all }
    }

    /// Squares that touch, as one region; the largest first.
    fn regions(mut self) -> Vec<Region> {
        let columns = self.columns;
        let mut regions = Vec::new();
        for at in 0..self.all.len() {
            let Some(mut region) = self.take(at) else {
                continue;
            };
            let mut open = vec![at];
            while let Some(at) = open.pop() {
                let (column, row) = (at % columns, at / columns);
                for (column, row) in around(column, row).filter(|(x, _)| *x < columns) {
                    let near = row * columns + column;
                    if let Some(tile) = self.take(near) {
                        region = region.with(tile);
                        open.push(near);
                    }
                }
            }
            regions.push(region);
        }
        regions.sort_by_key(|region| std::cmp::Reverse(region.pixels));
        regions
    }

    fn take(&mut self, at: usize) -> Option<Region> {
        self.all.get_mut(at).and_then(Option::take)
    }
}

impl Region {
    fn with(self, other: Region) -> Region {
        let (x, y) = (self.x.min(other.x), self.y.min(other.y));
        let right = (self.x + self.width).max(other.x + other.width);
        let bottom = (self.y + self.height).max(other.y + other.height);
        Region {
            x,
            y,
            width: right - x,
            height: bottom - y,
            pixels: self.pixels + other.pixels,
        }
    }
}

impl std::fmt::Display for Region {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Region {
            x,
            y,
            width,
            height,
            ..
        } = self;
        write!(f, "{width}×{height} at {x},{y}")
    }
}

impl Difference {
    /// The new picture, faded, with what differs in red.
    pub fn drawn(&self, new: &Raster) -> Raster {
        let width = self.width.max(1);
        let mut drawn = Raster::plain(self.width, self.marks.len() / width, [255; 4]);
        for (at, is_marked) in self.marks.iter().enumerate() {
            let (x, y) = (at % width, at / width);
            if *is_marked {
                drawn.set(x, y, [230, 0, 40]);
            } else if let Some(color) = new.at(x, y) {
                let gray = 205 + (brightness(color) / 255.0 * 50.0) as u8;
                drawn.set(x, y, [gray; 3]);
            }
        }
        drawn
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const WHITE: [u8; 4] = [255; 4];

    /// A page with a letter on it: black on white, its edges smoothed.
    fn letter(at: usize) -> Raster {
        let mut page = Raster::plain(200, 100, WHITE);
        for y in 20..30 {
            for x in at..at + 3 {
                page.set(x, y, [0; 3]);
            }
            page.set(at - 1, y, [170; 3]);
            page.set(at + 3, y, [170; 3]);
        }
        page
    }

    #[test]
    fn a_letter_is_a_difference_and_its_smoothed_edges_are_none() {
        let blank = Raster::plain(200, 100, WHITE);
        let found = between(&blank, &letter(50));
        assert!((30..=50).contains(&found.pixels), "{}", found.pixels);
        assert_eq!(found.regions.len(), 1);
        assert!(!found.is_dense);
        let mut smoother = letter(50);
        for y in 21..29 {
            smoother.set(49, y, [150; 3]);
        }
        assert_eq!(between(&letter(50), &smoother).pixels, 0);
    }

    #[test]
    fn a_pale_background_is_a_difference_that_stands_together() {
        let mut row = Raster::plain(200, 100, WHITE);
        for (x, y) in (0..200 * 20).map(|at| (at % 200, 40 + at / 200)) {
            row.set(x, y, [232, 240, 254]);
        }
        let found = between(&Raster::plain(200, 100, WHITE), &row);
        assert_eq!((found.pixels, found.is_dense), (4_000, true));
        assert_eq!(found.regions[0].to_string(), "200×20 at 0,40");
    }

    #[test]
    fn two_places_are_two_regions_the_larger_first_and_drawn() {
        let mut new = Raster::plain(300, 300, WHITE);
        new.set(10, 10, [0; 3]);
        for x in 200..220 {
            new.set(x, 250, [0; 3]);
        }
        let found = between(&Raster::plain(300, 300, WHITE), &new);
        let places: Vec<String> = found.regions.iter().map(Region::to_string).collect();
        assert_eq!(places, ["20×1 at 200,250", "1×1 at 10,10"]);
        let drawn = found.drawn(&new);
        assert_eq!(drawn.at(10, 10), Some([230, 0, 40]));
        assert_eq!(drawn.at(11, 10), Some([255; 3]));
    }

    #[test]
    fn what_only_one_of_them_has_differs() {
        let small = Raster::plain(100, 100, WHITE);
        let tall = Raster::plain(100, 140, WHITE);
        for found in [between(&small, &tall), between(&tall, &small)] {
            assert_eq!((found.pixels, found.is_dense), (4_000, true));
            assert_eq!(found.regions[0].to_string(), "100×40 at 0,100");
        }
    }

    fn any_raster() -> impl Strategy<Value = Raster> {
        let pixels = proptest::collection::vec(any::<[u8; 3]>(), 0..120);
        (1..70_usize, 1..70_usize, pixels).prop_map(|(width, height, colors)| {
            let mut raster = Raster::plain(width, height, WHITE);
            for (at, color) in colors.into_iter().enumerate() {
                raster.set(at * 7 % width, at * 13 % height, color);
            }
            raster
        })
    }

    proptest! {
        #[test]
        fn nothing_differs_from_itself_and_the_order_changes_nothing(a in any_raster(), b in any_raster()) {
            prop_assert_eq!(between(&a, &a).pixels, 0);
            let (there, back) = (between(&a, &b), between(&b, &a));
            prop_assert_eq!(there.pixels, back.pixels);
            let within: u64 = there.regions.iter().map(|region| region.pixels).sum();
            prop_assert_eq!(there.pixels, within);
            prop_assert_eq!(there.is_dense, back.is_dense);
        }
    }
}
