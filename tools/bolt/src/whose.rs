//! Whose file it is: `--schema`.

use bolt::Schemas;

/// Whose rules hold for the file, besides those of the format.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
enum Whose {
    /// Of those whose root bucket it has
    #[default]
    Auto,
    /// Of containerd's meta.db
    Containerd,
    /// Of a snapshotter's metadata.db
    Metadata,
    /// Of no program
    None,
}

#[derive(Debug, Clone, Copy, clap::Args)]
pub(crate) struct SchemaArgs {
    /// Whose rules hold for the file, besides those of the format
    #[arg(long, value_enum, default_value_t)]
    schema: Whose,
}

impl SchemaArgs {
    /// The schemas that the file may have.
    pub(crate) const fn schemas(self) -> Schemas {
        match self.schema {
            Whose::Auto => metadb::SCHEMAS,
            Whose::Containerd => metadb::META,
            Whose::Metadata => metadb::BACKEND,
            Whose::None => Schemas(&[]),
        }
    }

    /// Whether the user says whose it is.
    pub(crate) const fn is_given(self) -> bool {
        matches!(self.schema, Whose::Containerd | Whose::Metadata)
    }
}
