//! What a script imports, found and loaded: compiled once, and loaded by all others as it was compiled.
//!
//! Knows where modules come from, and nothing of what is performed.

use super::dialect::as_module;
use super::host::Host;
use super::modules::{self, NATIVE};
use rquickjs::loader::{ImportAttributes, Loader, Resolver};
use rquickjs::module::{Declared, WriteOptions};
use rquickjs::{Ctx, Exception, Module};
use std::rc::Rc;

/// Finds and loads what a script imports.
pub(super) struct Files(pub Rc<Host>);

impl Resolver for Files {
    fn resolve<'js>(
        &mut self,
        ctx: &Ctx<'js>,
        base: &str,
        name: &str,
        _: Option<ImportAttributes<'js>>,
    ) -> rquickjs::Result<String> {
        let program = &self.0.program;
        modules::resolve(program, base, name).map_err(|reason| {
            let place = program.place_of(base, name);
            Exception::throw_message(ctx, &format!("{place}{reason}"))
        })
    }
}

impl Loader for Files {
    fn load<'js>(
        &mut self,
        ctx: &Ctx<'js>,
        name: &str,
        _: Option<ImportAttributes<'js>>,
    ) -> rquickjs::Result<Module<'js, Declared>> {
        self.declared(ctx, name)
    }
}

impl Files {
    /// A module, loaded and not yet performed.
    pub(super) fn declared<'js>(
        &self,
        ctx: &Ctx<'js>,
        name: &str,
    ) -> rquickjs::Result<Module<'js, Declared>> {
        let program = &self.0.program;
        if let Some(code) = program.code(name) {
            // SAFETY: this interpreter wrote it, in this process, when it compiled the same module.
            return unsafe { Module::load(ctx.clone(), &code) };
        }
        if name == NATIVE {
            let source =
                "const own = globalThis.__native; delete globalThis.__native; export default own;";
            return Module::declare(ctx.clone(), name, source);
        }
        let built_in = modules::built_in(name);
        let source = match built_in {
            Some(source) => source.to_owned(),
            None => {
                let text = program.source(std::path::Path::new(name));
                let text = text.map_err(|reason| Exception::throw_message(ctx, &reason))?;
                let module = as_module(std::path::Path::new(name), text);
                module.map_err(|reason| Exception::throw_message(ctx, &reason))?
            }
        };
        let module = Module::declare(ctx.clone(), name, source)?;
        // All others load what the first one compiled.
        let code = module.write(WriteOptions {
            strip_source: built_in.is_some(),
            ..WriteOptions::default()
        });
        if let Ok(code) = code {
            program.keep_code(name, code);
        }
        Ok(module)
    }
}
