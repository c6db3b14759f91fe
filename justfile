# The front door for people. Each recipe is one call; `cargo xtask` without a command lists them all.

# Shows the recipes.
default:
    @just --list

# Builds everything, starts two example databases and the server, shows them at work.
demo:
    cargo xtask demo

# Builds the WebAssembly components.
plugins:
    cargo xtask plugins

# Runs every test.
test *arguments:
    cargo xtask test -- {{ arguments }}

# What a change must pass: format, lints, tests, docs.
ci:
    cargo xtask ci

# Measures against native drivers and writes docs/benchmarks.md.
bench:
    cargo xtask bench

# Throws random bytes at what reads foreign bytes.
fuzz *arguments:
    cargo xtask fuzz {{ arguments }}
