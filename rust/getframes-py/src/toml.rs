//! Where the keys of a TOML document stand.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use pyo3::prelude::*;
use pyo3::types::PyTuple;
use toml_parser::parser::{Event, EventKind, RecursionGuard, parse_document};
use toml_parser::{Source, Span};

/// Deeper than any real document; a parser recurses once per level.
const MAX_DEPTH: u32 = 100;

/// One step of a key path: the key of a table, or the position in an array.
#[derive(Clone, Debug, Eq, Hash, IntoPyObject, PartialEq)]
pub enum Segment {
    /// A key.
    #[pyo3(transparent)]
    Key(String),
    /// A position, from 0.
    #[pyo3(transparent)]
    Index(usize),
}

type Path = Vec<Segment>;

/// A span of a document: its key path, and where it stands, 1-based line and column.
type Place<'py> = (Bound<'py, PyTuple>, usize, usize);

/// Line and column of every key and array element of `text`, in order of appearance.
///
/// Of a text that is no TOML the part that can be read is reported.
#[pyfunction]
pub fn spans<'py>(py: Python<'py>, text: &str) -> PyResult<Vec<Place<'py>>> {
    let lines = Lines::new(text);
    let mut places = Vec::new();
    for (path, offset) in py.detach(|| Walk::over(text)) {
        let (line, column) = lines.position(offset);
        places.push((PyTuple::new(py, path)?, line, column));
    }
    Ok(places)
}

/// Byte offsets of the lines of a text.
struct Lines<'t> {
    text: &'t str,
    starts: Vec<usize>,
}

impl<'t> Lines<'t> {
    fn new(text: &'t str) -> Self {
        let after_breaks = text.bytes().enumerate().filter(|&(_, byte)| byte == b'\n').map(|(at, _)| at + 1);
        Self { text, starts: std::iter::once(0).chain(after_breaks).collect() }
    }

    /// 1-based line, and column in characters, of a byte offset.
    fn position(&self, offset: usize) -> (usize, usize) {
        let line = self.starts.partition_point(|&start| start <= offset);
        let before = &self.text[self.starts[line - 1]..offset];
        (line, before.chars().count() + 1)
    }
}

/// What a value is being read into.
enum Container {
    Array { path: Path, next: usize },
    InlineTable { path: Path },
}

/// A walk over the events of a parser that keeps track of the key path.
#[derive(Default)]
struct Walk {
    /// Path of the table whose header was read last.
    table: Path,
    /// The parts of the key that is being read.
    key: Vec<(String, usize)>,
    /// Path of the key whose value comes next.
    value: Path,
    containers: Vec<Container>,
    /// Elements so far of every array of tables.
    lengths: HashMap<Path, usize>,
    seen: HashSet<Path>,
    places: Vec<(Path, usize)>,
}

impl Walk {
    /// Byte offsets of all key paths of `text`.
    fn over(text: &str) -> Vec<(Path, usize)> {
        let source = Source::new(text);
        let tokens = source.lex().into_vec();
        let mut events = Vec::<Event>::new();
        parse_document(&tokens, &mut RecursionGuard::new(&mut events, MAX_DEPTH), &mut ());
        let mut walk = Self::default();
        for event in &events {
            walk.take(source, event);
        }
        walk.places
    }

    fn take(&mut self, source: Source<'_>, event: &Event) {
        let at = event.span().start();
        match event.kind() {
            EventKind::StdTableOpen | EventKind::ArrayTableOpen => self.key.clear(),
            EventKind::StdTableClose => self.close_header(false),
            EventKind::ArrayTableClose => self.close_header(true),
            EventKind::SimpleKey => self.key.push((decoded(source, event), event.span().start())),
            EventKind::KeyValSep => self.close_key(),
            EventKind::Scalar => drop(self.element(at)),
            EventKind::ArrayOpen => {
                let path = self.element(at);
                self.containers.push(Container::Array { path, next: 0 });
            }
            EventKind::InlineTableOpen => {
                let path = self.element(at);
                self.containers.push(Container::InlineTable { path });
            }
            EventKind::ArrayClose | EventKind::InlineTableClose => drop(self.containers.pop()),
            EventKind::ValueSep => self.next_element(),
            _ => {}
        }
    }

    /// Ends `[a.b]` or `[[a.b]]`: what follows belongs to that table.
    fn close_header(&mut self, of_array: bool) {
        let mut path = Path::new();
        let key = std::mem::take(&mut self.key);
        let last = key.len().saturating_sub(1);
        for (i, (name, at)) in key.into_iter().enumerate() {
            path.push(Segment::Key(name));
            self.note(&path, at);
            if of_array && i == last {
                *self.lengths.entry(path.clone()).or_default() += 1;
            }
            if let Some(&length) = self.lengths.get(&path) {
                path.push(Segment::Index(length - 1));
                self.note(&path, at);
            }
        }
        self.table = path;
    }

    /// Ends the key of `a.b = value`.
    fn close_key(&mut self) {
        let mut path = match self.containers.last() {
            Some(Container::InlineTable { path } | Container::Array { path, .. }) => path.clone(),
            None => self.table.clone(),
        };
        for (name, at) in std::mem::take(&mut self.key) {
            path.push(Segment::Key(name));
            self.note(&path, at);
        }
        self.value = path;
    }

    /// Path of the value that begins at `at`.
    fn element(&mut self, at: usize) -> Path {
        let Some(Container::Array { path, next }) = self.containers.last() else {
            return self.value.clone();
        };
        let mut path = path.clone();
        path.push(Segment::Index(*next));
        self.note(&path, at);
        path
    }

    fn next_element(&mut self) {
        if let Some(Container::Array { next, .. }) = self.containers.last_mut() {
            *next += 1;
        }
    }

    /// Keeps the first place of a path.
    fn note(&mut self, path: &Path, at: usize) {
        if self.seen.insert(path.clone()) {
            self.places.push((path.clone(), at));
        }
    }
}

fn decoded(source: Source<'_>, event: &Event) -> String {
    let span: Span = event.span();
    let text = source.input().get(span.start()..span.end()).unwrap_or_default();
    let mut key = Cow::Borrowed("");
    toml_parser::Raw::new_unchecked(text, event.encoding(), span).decode_key(&mut key, &mut ());
    key.into_owned()
}
