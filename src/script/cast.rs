//! What is performed: the steps of a scenario, or a script.
//!
//! Decides nothing: whoever performs one performs the other in the same way.

use super::prepare::Ready;
use super::run::Together;
use super::user::ScriptUser;
use crate::vu::{
    Begin, Binding, Headings, IterationOutcome, Performer, Performers, Place, Shared, Sink,
    Variables,
};
use std::sync::Arc;

/// What is performed, with everything filled in.
#[derive(Clone)]
pub enum Cast {
    /// Steps.
    Steps(Arc<Binding>),
    /// A script.
    Script(Arc<Ready>),
}

impl Cast {
    /// Plan, caps and secrets; of a script, a plan of which no step is performed.
    pub fn binding(&self) -> &Arc<Binding> {
        match self {
            Cast::Steps(binding) => binding,
            Cast::Script(ready) => &ready.run.binding,
        }
    }

    /// The same for another performance: a script counts in its run.
    pub fn afresh(&self) -> Cast {
        match self {
            Cast::Steps(binding) => Cast::Steps(binding.clone()),
            Cast::Script(ready) => Cast::Script(Arc::new(ready.afresh())),
        }
    }

    /// Waits until a script ends the run; for ever, where none does.
    pub async fn over(&self) {
        match self {
            Cast::Steps(_) => std::future::pending().await,
            Cast::Script(ready) => ready.run.over.notified().await,
        }
    }
}

/// What virtual users of one thread use together.
#[derive(Clone)]
pub enum Gathered {
    /// Of steps.
    Steps(Arc<Shared>),
    /// Of a script.
    Script(Together),
}

/// A virtual user of either.
pub enum Actor {
    /// Of steps.
    Steps(<Arc<Binding> as Performers>::User),
    /// Of a script.
    Script(ScriptUser),
}

impl Performer for Actor {
    type Handed = Variables;

    async fn set_up(&mut self, sink: &impl Sink) -> IterationOutcome {
        match self {
            Actor::Steps(user) => user.set_up(sink).await,
            Actor::Script(user) => user.set_up(sink).await,
        }
    }

    async fn iterate(&mut self, begin: Begin, sink: &impl Sink) -> IterationOutcome {
        match self {
            Actor::Steps(user) => user.iterate(begin, sink).await,
            Actor::Script(user) => user.iterate(begin, sink).await,
        }
    }

    async fn tear_down(&mut self, sink: &impl Sink) -> IterationOutcome {
        match self {
            Actor::Steps(user) => user.tear_down(sink).await,
            Actor::Script(user) => user.tear_down(sink).await,
        }
    }

    fn hand_over(&self) -> Variables {
        match self {
            Actor::Steps(user) => user.hand_over(),
            // It hands over by its run.
            Actor::Script(_) => Variables::default(),
        }
    }
}

impl Performers for Cast {
    type User = Actor;
    type Together = Gathered;
    type Handed = Variables;

    fn headings(&self) -> Headings {
        match self {
            Cast::Steps(binding) => binding.headings(),
            Cast::Script(ready) => ready.run.headings(),
        }
    }

    fn first_step(&self) -> usize {
        match self {
            Cast::Steps(binding) => binding.first_step(),
            Cast::Script(ready) => ready.run.first_step(),
        }
    }

    fn set_over(&self, load: usize, is_over: bool) {
        if let Cast::Script(ready) = self {
            ready.run.set_over(load, is_over);
        }
    }

    fn users_max(&self) -> Option<u64> {
        self.binding().caps.users
    }

    fn gather(&self) -> Gathered {
        match self {
            Cast::Steps(binding) => Gathered::Steps(binding.gather()),
            Cast::Script(ready) => Gathered::Script(ready.run.gather()),
        }
    }

    fn user(&self, together: &Gathered, place: Place, handed: &Arc<Variables>) -> Actor {
        match (self, together) {
            (Cast::Script(ready), Gathered::Script(together)) => {
                Actor::Script(ready.run.user(together, place, &Arc::new(())))
            }
            (Cast::Script(ready), Gathered::Steps(_)) => {
                Actor::Script(ready.run.user(&ready.run.gather(), place, &Arc::new(())))
            }
            (Cast::Steps(binding), Gathered::Steps(together)) => {
                Actor::Steps(binding.user(together, place, handed))
            }
            (Cast::Steps(binding), Gathered::Script(_)) => {
                Actor::Steps(binding.user(&binding.gather(), place, handed))
            }
        }
    }
}
