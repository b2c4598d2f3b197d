//! Templates and YAML: strict rendering, parsing as kubectl reads, edits of people's files that keep every other byte.
