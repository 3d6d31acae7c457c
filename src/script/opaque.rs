//! Values of ours that scripts hold, and cannot look into.

/// Makes a value of ours one that scripts hold and cannot look into.
macro_rules! opaque {
    ($kind:ty, $name:literal) => {
        // SAFETY: it holds nothing of the interpreter.
        unsafe impl rquickjs::JsLifetime<'_> for $kind {
            type Changed<'to> = $kind;
        }

        impl<'js> rquickjs::class::Trace<'js> for $kind {
            fn trace<'a>(&self, _: rquickjs::class::Tracer<'a, 'js>) {}
        }

        impl<'js> rquickjs::class::JsClass<'js> for $kind {
            const NAME: &'static str = $name;
            type Mutable = rquickjs::class::Readable;

            fn constructor(
                _: &rquickjs::Ctx<'js>,
            ) -> rquickjs::Result<Option<rquickjs::function::Constructor<'js>>> {
                Ok(None)
            }
        }
    };
}
pub(super) use opaque;
