# What is done again and again. `just` lists it.

default:
    @just --list

# Formats, lints and tests, as a change must pass.
check:
    cargo fmt --check
    cargo clippy --locked --all-targets -- -D warnings
    cargo test --locked

# One test by a part of its name: `just test views`.
test name:
    cargo test --locked --test it -- {{name}}

# The tests of pure code alone: seconds.
unit:
    cargo test --locked --lib

# One seed of the simulator, with all its calls.
seed number:
    ORGFORM_SEED={{number}} cargo test --locked --test it simulator -- --nocapture

# As many seeds as you have time for.
seeds number:
    ORGFORM_SEEDS={{number}} cargo test --locked --release --test it simulator

# Writes down all calls of all tests, to compare two commits.
traces folder:
    ORGFORM_TRACES={{folder}} cargo test --locked --test it -- --skip simulator::

# Puts known faults back and shows which seed finds them.
put-back *patches:
    tests/put_back/run {{patches}}

# Other people's clients against the local org.
conformance:
    tests/conformance/run

# How fast it is, beside Terraform where that is installed.
bench:
    cargo bench --bench how_fast

# What a build server runs.
ci:
    .ci/run
