"""`llmtrack completion`: commands and options by the Tab key."""

import click
from click.shell_completion import get_completion_class

SHELLS = ("bash", "zsh", "fish")


@click.command()
@click.argument("shell", type=click.Choice(SHELLS))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print the script that completes commands and options in a shell.

    \b
    bash  llmtrack completion bash > ~/.local/share/bash-completion/completions/llmtrack
    zsh   llmtrack completion zsh > ~/.zfunc/_llmtrack   (with ~/.zfunc in fpath)
    fish  llmtrack completion fish > ~/.config/fish/completions/llmtrack.fish

    The Debian package brings them along.
    """  # noqa: D301 - click wants the character
    made = get_completion_class(shell)
    root = context.find_root()
    if made is None:  # click knows all of SHELLS
        raise click.UsageError(f"no completion for {shell}")
    script = made(root.command, {}, "llmtrack", "_LLMTRACK_COMPLETE")
    # `source()` would start the shell to ask for its version.
    click.echo(script.source_template % script.source_vars())
