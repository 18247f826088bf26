//! The parameters and fields as hosts save them.

use std::collections::BTreeMap;
use std::sync::Arc;

use nice_plug::prelude::*;

use crate::params::ResidueParams;

/// [`ResidueParams`], with the state of a newer version as a field where there is one.
pub struct SavedParams(pub Arc<ResidueParams>);

// SAFETY: the pointers are those of the parameters, which this value keeps alive.
unsafe impl Params for SavedParams {
    fn param_map(&self) -> Vec<(String, ParamPtr, String)> {
        self.0.param_map()
    }

    fn serialize_fields(&self) -> BTreeMap<String, String> {
        let mut fields = self.0.serialize_fields();
        self.0.newer.save(&mut fields);
        fields
    }

    fn deserialize_fields(&self, fields: &BTreeMap<String, String>) {
        self.0.newer.load(fields);
        self.0.deserialize_fields(fields);
    }
}
