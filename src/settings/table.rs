//! One table of settings: a macro that makes the struct, its defaults and its description from a single listing.

use serde::Deserialize as _;

/// A key of `dpb.yaml`: its name, its explanation, and the keys below it.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Key, as written in the file.
    pub name: &'static str,
    /// Lines of the explanation.
    pub doc: &'static [&'static str],
    /// Keys below; none for a plain value.
    pub children: Vec<Entry>,
}

/// A type that can stand in `dpb.yaml`: a section with keys, or a plain value.
pub trait Setting {
    /// The keys of a section; none for a plain value.
    fn entries() -> Vec<Entry> {
        Vec::new()
    }
}

impl Setting for String {}
impl Setting for bool {}
impl Setting for u16 {}
impl Setting for u32 {}
impl<T> Setting for Vec<T> {}

/// Makes a section: `/// explanation` and `key: Type = default` per key.
///
/// The struct is read with unknown keys refused and missing keys (or a section left empty) at their default.
macro_rules! section {
    (
        $(#[doc = $about:literal])+
        pub struct $name:ident {
            $( $(#[doc = $doc:literal])+ $key:ident : $ty:ty = $default:expr, )+
        }
    ) => {
        $(#[doc = $about])+
        #[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
        #[serde(default, deny_unknown_fields)]
        pub struct $name {
            $(
                $(#[doc = $doc])+
                #[serde(deserialize_with = "crate::settings::table::present")]
                pub $key: $ty,
            )+
        }

        impl Default for $name {
            fn default() -> Self {
                Self { $( $key: $default, )+ }
            }
        }

        impl crate::settings::Setting for $name {
            fn entries() -> Vec<crate::settings::Entry> {
                vec![$(
                    crate::settings::Entry {
                        name: stringify!($key),
                        doc: &[$($doc),+],
                        children: <$ty as crate::settings::Setting>::entries(),
                    },
                )+]
            }
        }
    };
}
pub(super) use section;

/// Reads a key that is written: a section whose keys are all commented out (so: null) has its defaults, a plain
/// value must be there.
pub(super) fn present<'de, T, D>(from: D) -> Result<T, D::Error>
where
    T: Setting + Default + serde::Deserialize<'de>,
    D: serde::Deserializer<'de>,
{
    match Option::<T>::deserialize(from)? {
        Some(value) => Ok(value),
        None if T::entries().is_empty() => Err(serde::de::Error::custom("no value is written here")),
        None => Ok(T::default()),
    }
}
