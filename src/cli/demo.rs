//! `bellwether demo`: watch it work on a built-in shop.

use super::exit::Exit;
use super::serve::asked_to_end;
use crate::demo::story::Demo;
use crate::report::style::Style;

/// Arguments of the command.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  bellwether demo
  bellwether demo --exit && echo 'every verdict was as expected'")]
pub struct Arguments {
    /// End after the story; 0 only if every verdict was as expected
    #[arg(long)]
    exit: bool,
    /// The daemon's port; a free one where it is taken
    #[arg(long, default_value_t = 9911)]
    port: u16,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> Exit {
    let style = Style::for_stream(&std::io::stdout());
    crate::cli::commands::runtime().block_on(async {
        let free = tokio::net::TcpListener::bind(("127.0.0.1", arguments.port)).await.is_ok();
        let port = if free { arguments.port } else { free_port().await };
        let demo = match Demo::start(&format!("127.0.0.1:{port}")).await {
            Ok(demo) => demo,
            Err(reason) => {
                crate::cli::commands::complain(reason);
                return Exit::Fault;
            }
        };
        let address = demo.daemon.address;
        println!("{} watches a small shop at http://{}", style.bold("Bellwether"), demo.shop.address);
        println!("pages    http://{address}/\nmetrics  http://{address}/metrics\nAPI      http://{address}/api/v1/status");
        println!("{}", style.dim(&format!("files    {}", demo.folder.display())));
        let story = demo.tell(style);
        let expected = tokio::select! {
            expected = story => expected,
            () = asked_to_end() => {
                end(demo).await;
                return Exit::Interrupted;
            }
        };
        println!();
        if expected {
            println!("{}", style.good("✓ every verdict was as expected"));
        } else {
            println!("{}", style.bad("✗ not every verdict was as expected"));
        }
        if !arguments.exit {
            println!("everything keeps running: look at http://{address}/ and press Ctrl-C to end");
            asked_to_end().await;
        }
        end(demo).await;
        if expected { Exit::Success } else { Exit::Failed }
    })
}

async fn free_port() -> u16 {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await;
    listener
        .and_then(|listener| listener.local_addr())
        .map_or(0, |address| address.port())
}

async fn end(demo: Demo) {
    let folder = demo.folder.clone();
    demo.daemon.stop().await;
    // What is left in the temporary folder is the machine's to clean.
    let _ = std::fs::remove_dir_all(folder);
}
