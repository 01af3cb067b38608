//! What Go's `encoding/json` makes of a value.

use crate::{Node, Value};

impl Node {
    /// What Go finds in a field of this name where it decodes into a structure: the case does not
    /// matter, the last one counts, and `null` is nothing.
    pub fn field(&self, name: &str) -> Option<&Self> {
        let mut members = self.members().iter().rev();
        let found = members.find(|member| {
            let key = member.key.bytes();
            key.eq_ignore_ascii_case(name.as_bytes())
        });
        found
            .map(|member| &member.node)
            .filter(|node| node.value != Value::Null)
    }

    /// What Go calls a kind of value in its messages.
    pub const fn go_kind(&self) -> &'static str {
        match &self.value {
            Value::Null => "null",
            Value::Bool(_) => "bool",
            Value::Number(_) => "number",
            Value::String(_) => "string",
            Value::Array(_) => "array",
            Value::Object(_) => "object",
        }
    }

    /// What Go calls the type that a value has when nothing says which it should be (`%T`).
    pub const fn go_type(&self) -> &'static str {
        match &self.value {
            Value::Null => "<nil>",
            Value::Bool(_) => "bool",
            Value::Number(_) => "float64",
            Value::String(_) => "string",
            Value::Array(_) => "[]interface {}",
            Value::Object(_) => "map[string]interface {}",
        }
    }
}
