//! A document of HTML in which nodes are found by selectors of CSS (W3C Selectors, level 4).
//!
//! Pure. Nodes are numbers in the order of the document: 0 is the document itself. Does not know what a script
//! makes of them. Invariant: a number that is no node finds nothing.

use crate::scenario::functions::pages;
use ego_tree::{NodeId, NodeRef};
use scraper::{ElementRef, Html, Node, Selector};
use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

/// A document.
pub struct Page {
    html: Html,
    nodes: Vec<NodeId>,
    places: HashMap<NodeId, usize>,
    /// Selectors that were asked for: scripts ask for the same ones again.
    known: RefCell<HashMap<String, Rc<Wanted>>>,
}

/// Which nodes are related to a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Related {
    /// Elements within it.
    Children,
    /// Everything within it.
    Contents,
    /// The element around it.
    Parent,
    /// The node around it, be it the document.
    Above,
    /// Elements around it, the nearest first.
    Ancestors,
    /// The next element.
    Next,
    /// Elements after it, the nearest first.
    NextAll,
    /// The element before.
    Previous,
    /// Elements before, the nearest first.
    PreviousAll,
    /// Nodes after it, the nearest first.
    Following,
    /// Nodes before, the nearest first.
    Preceding,
}

/// What is looked for.
struct Wanted {
    selector: Selector,
    /// Words that its text holds, for `:contains()`.
    words: Option<String>,
}

impl Wanted {
    /// # Errors
    /// What is wrong with a selector, in words.
    fn parse(css: &str) -> Result<Wanted, String> {
        let (css, words) = match css.split_once(":contains(") {
            None => (css.to_owned(), None),
            Some((before, after)) => {
                let words = after.trim_end().strip_suffix(')');
                let words = words.filter(|words| !words.contains(')'));
                let words = words.ok_or_else(|| {
                    format!("`:contains()` is understood at the end of a selector: `{css}`")
                })?;
                let words = words.trim().trim_matches(['"', '\'']).to_owned();
                let before = match before {
                    "" => "*".to_owned(),
                    before if before.ends_with([' ', '>']) => format!("{before}*"),
                    before => before.to_owned(),
                };
                if before.contains(',') {
                    return Err(format!(
                        "`:contains()` cannot stand beside a comma: `{css}`"
                    ));
                }
                (before, Some(words))
            }
        };
        let usual = css
            .replace(":checked", ":is([checked],[selected])")
            .replace(":disabled", "[disabled]")
            .replace(
                ":enabled",
                ":is(input,select,textarea,button):not([disabled])",
            )
            .replace(":input", ":is(input,select,textarea,button)");
        let selector = Selector::parse(&usual);
        let selector = selector.map_err(|error| format!("`{css}` is no selector: {error}"))?;
        Ok(Wanted { selector, words })
    }

    fn fits(&self, element: &ElementRef<'_>) -> bool {
        let says = |words: &str| element.text().collect::<String>().contains(words);
        self.selector.matches(element) && self.words.as_deref().is_none_or(says)
    }
}

impl Page {
    /// Reads a document, as browsers do: nothing is wrong with any text.
    ///
    /// # Errors
    /// Elements stand in each other deeper than any page's.
    pub fn parse(text: &str) -> Result<Page, String> {
        let html =
            pages::read(text).map_err(|why| format!("the document cannot be read: {why}"))?;
        let nodes: Vec<NodeId> = html
            .tree
            .root()
            .descendants()
            .map(|node| node.id())
            .collect();
        let places = nodes.iter().enumerate().map(|(at, id)| (*id, at)).collect();
        Ok(Page {
            html,
            nodes,
            places,
            known: RefCell::default(),
        })
    }

    /// How many nodes there are.
    pub fn size(&self) -> usize {
        self.nodes.len()
    }

    fn node(&self, at: usize) -> Option<NodeRef<'_, Node>> {
        self.html.tree.get(*self.nodes.get(at)?)
    }

    fn place(&self, node: &NodeRef<'_, Node>) -> Option<usize> {
        self.places.get(&node.id()).copied()
    }

    fn wanted(&self, css: &str) -> Result<Rc<Wanted>, String> {
        if let Some(known) = self.known.borrow().get(css) {
            return Ok(known.clone());
        }
        let wanted = Rc::new(Wanted::parse(css)?);
        self.known
            .borrow_mut()
            .insert(css.to_owned(), wanted.clone());
        Ok(wanted)
    }

    /// Elements within some nodes that a selector wants, in the order of the document, each once.
    ///
    /// # Errors
    /// What is wrong with the selector.
    pub fn select(&self, within: &[usize], css: &str) -> Result<Vec<usize>, String> {
        let wanted = self.wanted(css)?;
        let mut found = Vec::new();
        for at in within {
            let all = self
                .node(*at)
                .into_iter()
                .flat_map(|node| node.descendants().skip(1));
            let fits = |node: &NodeRef<'_, Node>| {
                ElementRef::wrap(*node).is_some_and(|element| wanted.fits(&element))
            };
            found.extend(all.filter(fits).filter_map(|node| self.place(&node)));
        }
        found.sort_unstable();
        found.dedup();
        Ok(found)
    }

    /// Whether a selector wants each of some nodes.
    ///
    /// # Errors
    /// What is wrong with the selector.
    pub fn matches(&self, nodes: &[usize], css: &str) -> Result<Vec<bool>, String> {
        let wanted = self.wanted(css)?;
        let fits = |at: &usize| {
            let element = self.node(*at).and_then(ElementRef::wrap);
            element.is_some_and(|element| wanted.fits(&element))
        };
        Ok(nodes.iter().map(fits).collect())
    }

    /// Nodes that are related to one.
    pub fn related(&self, at: usize, how: Related) -> Vec<usize> {
        let Some(node) = self.node(at) else {
            return Vec::new();
        };
        let is_element = |node: &NodeRef<'_, Node>| node.value().is_element();
        let nodes: Vec<NodeRef<'_, Node>> = match how {
            Related::Children => node.children().filter(is_element).collect(),
            Related::Contents => node.children().collect(),
            Related::Parent => node.parent().filter(is_element).into_iter().collect(),
            Related::Above => node.parent().into_iter().collect(),
            Related::Ancestors => node.ancestors().filter(is_element).collect(),
            Related::Next => node.next_siblings().find(is_element).into_iter().collect(),
            Related::NextAll => node.next_siblings().filter(is_element).collect(),
            Related::Previous => node.prev_siblings().find(is_element).into_iter().collect(),
            Related::PreviousAll => node.prev_siblings().filter(is_element).collect(),
            Related::Following => node.next_siblings().collect(),
            Related::Preceding => node.prev_siblings().collect(),
        };
        nodes.iter().filter_map(|node| self.place(node)).collect()
    }

    /// What kind of node one is, as the DOM counts them: 1 for an element, 3 for text, 8 for a comment, 9 for
    /// the document, 10 for its type.
    pub fn kind(&self, at: usize) -> u8 {
        match self.node(at).map(|node| node.value()) {
            Some(Node::Element(_)) => 1,
            Some(Node::Text(_)) => 3,
            Some(Node::Comment(_)) => 8,
            Some(Node::Document | Node::Fragment) => 9,
            Some(Node::Doctype(_)) => 10,
            _ => 0,
        }
    }

    /// Its name: that of an element, or `#text` and the like.
    pub fn name(&self, at: usize) -> &str {
        match self.node(at).map(|node| node.value()) {
            Some(Node::Element(element)) => element.name(),
            Some(Node::Text(_)) => "#text",
            Some(Node::Comment(_)) => "#comment",
            Some(Node::Document | Node::Fragment) => "#document",
            Some(Node::Doctype(doctype)) => doctype.name(),
            _ => "",
        }
    }

    /// All text within, or the words of a comment.
    pub fn text(&self, at: usize) -> String {
        let Some(node) = self.node(at) else {
            return String::new();
        };
        if let Node::Comment(comment) = node.value() {
            return comment.to_string();
        }
        let texts = node.descendants().filter_map(|node| node.value().as_text());
        texts.map(|text| &**text).collect()
    }

    /// What is within it, as HTML.
    pub fn inner(&self, at: usize) -> String {
        let Some(node) = self.node(at) else {
            return String::new();
        };
        match ElementRef::wrap(node) {
            Some(element) => element.inner_html(),
            None if node.parent().is_none() => self.html.html(),
            None => self.text(at),
        }
    }

    /// It as HTML.
    pub fn outer(&self, at: usize) -> String {
        match self.node(at).and_then(ElementRef::wrap) {
            Some(element) => element.html(),
            None => self.inner(at),
        }
    }

    /// Names and values of its attributes in turn, in their order.
    pub fn attributes(&self, at: usize) -> Vec<String> {
        let element = self.node(at).and_then(|node| node.value().as_element());
        let all = element.into_iter().flat_map(|element| element.attrs());
        all.flat_map(|(name, value)| [name.to_owned(), value.to_owned()])
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "<!doctype html><title>a shop</title><ul id=l><li class='a b'>one<!--c--></li>\
        <li>two <b>2</b></li><li hidden>three</li></ul><input type=checkbox checked name=x>";

    fn texts(page: &Page, css: &str) -> Vec<String> {
        let found = page.select(&[0], css).unwrap();
        found.iter().map(|at| page.text(*at)).collect()
    }

    #[test]
    fn nodes_are_found_by_selectors() {
        let page = Page::parse(TEXT).unwrap();
        assert_eq!(texts(&page, "title"), ["a shop"]);
        assert_eq!(texts(&page, "li.a, b"), ["one", "2"]);
        assert_eq!(texts(&page, "ul > li:nth-child(2)"), ["two 2"]);
        assert_eq!(texts(&page, "li:has(b)"), ["two 2"]);
        assert_eq!(texts(&page, "li:not([hidden]):contains('two')"), ["two 2"]);
        assert_eq!(page.select(&[0], "input:checked").unwrap().len(), 1);
        assert_eq!(page.select(&[0], ":contains(2)").unwrap().len(), 5);
        for wrong in ["li[", "a:contains('x') b", "a,b:contains(x)", "", "li::"] {
            assert!(page.select(&[0], wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn nodes_are_related() {
        let page = Page::parse(TEXT).unwrap();
        let [first, second, third] = page.select(&[0], "li").unwrap()[..] else {
            panic!("there are three");
        };
        let related = |at, how| page.related(at, how);
        assert_eq!(related(first, Related::NextAll), [second, third]);
        assert_eq!(related(third, Related::PreviousAll), [second, first]);
        assert_eq!(related(second, Related::Previous), [first]);
        let names = |all: Vec<usize>| all.iter().map(|at| page.name(*at)).collect::<Vec<_>>();
        assert_eq!(
            names(related(first, Related::Ancestors)),
            ["ul", "body", "html"]
        );
        assert_eq!(
            names(related(first, Related::Contents)),
            ["#text", "#comment"]
        );
        assert!(related(0, Related::Parent).is_empty());
        assert_eq!(page.inner(first), "one<!--c-->");
        assert_eq!(page.attributes(first), ["class", "a b"]);
    }

    #[test]
    fn what_is_no_node_finds_nothing() {
        let page = Page::parse("").unwrap();
        let none = 99;
        assert_eq!((page.kind(none), page.name(none)), (0, ""));
        assert_eq!(
            (page.text(none), page.outer(none)),
            (String::new(), String::new())
        );
        assert!(page.select(&[none], "*").unwrap().is_empty());
        assert_eq!(page.matches(&[none], "*").unwrap(), [false]);
        assert!(page.related(none, Related::Children).is_empty());
    }
}
