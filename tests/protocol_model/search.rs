//! Breadth-first search: the first bad state found is one of the nearest, so its trace is as short as any.

use crate::model::Model;
use crate::properties::Breach;
use crate::state::State;
use crate::step::Step;
use std::collections::{HashMap, VecDeque};
use std::fmt;

/// What a search found: how many states there are, and a shortest way to something bad.
#[derive(Debug)]
pub struct Found {
    pub states: usize,
    pub counterexample: Option<Counterexample>,
}

#[derive(Debug)]
pub struct Counterexample {
    pub breach: Breach,
    pub trace: Vec<String>,
}

impl fmt::Display for Counterexample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.breach)?;
        (1..).zip(&self.trace).try_for_each(|(number, step)| writeln!(f, "  {number:>4}. {step}"))
    }
}

/// Explores until something bad shows, or everything is seen. With a target, nothing else counts as bad.
pub fn search(model: &Model, target: Option<Breach>) -> Found {
    let mut graph = Graph::new(model.initial());
    while let Some((from, state)) = graph.queue.pop_front() {
        if let Some(breach) = model.breaches(&state, target) {
            return graph.found(model, Some((breach, from)));
        }
        graph.ends.push(state.is_over());
        for (step, next) in model.steps(&state) {
            graph.reach(from, step, next);
        }
    }
    let stuck = match target {
        None | Some(Breach::Stuck) => graph.first_without_end().map(|state| (Breach::Stuck, state)),
        Some(_) => None,
    };
    graph.found(model, stuck)
}

/// The states seen so far, numbered in the order of their distance from the start.
struct Graph {
    numbers: HashMap<State, u32>,
    queue: VecDeque<(u32, State)>,
    /// How each state but the first was reached: from where, by which step.
    came_by: Vec<(u32, Step)>,
    ends: Vec<bool>,
    progress: Vec<(u32, u32)>,
}

impl Graph {
    fn new(initial: State) -> Self {
        Self {
            numbers: HashMap::from([(initial, 0)]),
            queue: VecDeque::from([(0, initial)]),
            came_by: Vec::new(),
            ends: Vec::new(),
            progress: Vec::new(),
        }
    }

    fn reach(&mut self, from: u32, step: Step, state: State) {
        let fresh = self.numbers.len() as u32;
        let to = *self.numbers.entry(state).or_insert(fresh);
        if to == fresh {
            self.came_by.push((from, step));
            self.queue.push_back((to, state));
        }
        if step.is_progress() {
            self.progress.push((from, to));
        }
    }

    /// The nearest state from which progress alone reaches no end.
    fn first_without_end(&self) -> Option<u32> {
        let mut can_end = self.ends.clone();
        let mut grew = true;
        while grew {
            grew = false;
            for &(from, to) in self.progress.iter().rev() {
                if can_end[to as usize] && !can_end[from as usize] {
                    can_end[from as usize] = true;
                    grew = true;
                }
            }
        }
        can_end.iter().position(|&can| !can).map(|state| state as u32)
    }

    fn found(self, model: &Model, bad: Option<(Breach, u32)>) -> Found {
        let counterexample = bad.map(|(breach, state)| Counterexample { breach, trace: self.trace(model, state) });
        Found { states: self.numbers.len(), counterexample }
    }

    fn trace(&self, model: &Model, mut state: u32) -> Vec<String> {
        let mut steps = Vec::new();
        while let Some(&(from, step)) = state.checked_sub(1).and_then(|index| self.came_by.get(index as usize)) {
            steps.push(step.describe(model));
            state = from;
        }
        steps.reverse();
        steps
    }
}
