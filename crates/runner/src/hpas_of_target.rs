//! The HPAs that scale one target: nearly always one, for which a tree would take the room of eleven.

/// Namespace and name of an HPA.
pub(crate) type HpaName = (String, String);

/// The HPAs of one target in the order of their names, each with the uid of what controls it.
#[derive(Clone, Debug, Default)]
pub(crate) struct HpasOfTarget(Vec<(HpaName, Option<String>)>);

impl HpasOfTarget {
    /// What controls `hpa`, where it is one of them.
    pub(crate) fn controller(&self, hpa: &HpaName) -> Option<&Option<String>> {
        let place = self.place(hpa).ok()?;
        Some(&self.0[place].1)
    }

    /// Adds one, or notes what controls it now.
    pub(crate) fn insert(&mut self, hpa: HpaName, controller: Option<String>) {
        match self.place(&hpa) {
            Ok(place) => self.0[place].1 = controller,
            Err(place) => {
                self.0.reserve_exact(1);
                self.0.insert(place, (hpa, controller));
            }
        }
    }

    pub(crate) fn remove(&mut self, hpa: &HpaName) {
        if let Ok(place) = self.place(hpa) {
            self.0.remove(place);
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&HpaName, &Option<String>)> {
        self.0.iter().map(|(hpa, controller)| (hpa, controller))
    }

    fn place(&self, hpa: &HpaName) -> Result<usize, usize> {
        self.0.binary_search_by(|(known, _)| known.cmp(hpa))
    }
}
