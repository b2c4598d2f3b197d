//! Profiles: what a script may call depends on what it was started for.

use std::fmt;

/// What a script is run for. Each profile offers only the functions that belong to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Profile {
    /// Reads and reports.
    Review,
    /// Declares deliverables; changes nothing itself.
    Execute,
    /// Probes the result, with scratch objects that the host removes.
    Validate,
    /// One expression of a person: reads only.
    Eval,
}

impl Profile {
    /// Every profile.
    pub const ALL: [Self; 4] = [Self::Review, Self::Execute, Self::Validate, Self::Eval];

    /// As people say it (`review`).
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Review => "review",
            Self::Execute => "execute",
            Self::Validate => "validate",
            Self::Eval => "eval",
        }
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A set of profiles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Profiles(u8);

impl Profiles {
    /// Offered everywhere: it only reads or computes.
    pub const ALL: Self = Self(0b1111);
    /// Reports checks: in a review and a validation.
    pub const JUDGE: Self = Self(0b0101);
    /// Declares deliverables: in an execute only.
    pub const EXECUTE: Self = Self(0b0010);
    /// Probes with scratch objects: in a validation only.
    pub const VALIDATE: Self = Self(0b0100);

    /// Whether `profile` is one of them.
    pub fn contain(self, profile: Profile) -> bool {
        self.0 & (1 << profile as u8) != 0
    }

    /// The profiles, as people say them: `review, validate`.
    pub fn names(self) -> String {
        let names: Vec<_> = Profile::ALL.into_iter().filter(|&p| self.contain(p)).map(Profile::as_str).collect();
        names.join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_set_names_its_profiles() {
        assert_eq!(Profiles::ALL.names(), "review, execute, validate, eval");
        assert_eq!(Profiles::JUDGE.names(), "review, validate");
        assert_eq!(Profiles::EXECUTE.names(), "execute");
        assert_eq!(Profiles::VALIDATE.names(), "validate");
    }
}
