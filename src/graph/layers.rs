//! A layered drawing in numbers: in which column and row each thing stands.

/// Things by column, each column from top to bottom: what others need stands to
/// the left of those. Crossing edges are made few by some sweeps in which each
/// thing moves to the middle of its neighbours.
///
/// Edges go from what needs to what is needed; circles are cut where they close.
pub fn layers(count: usize, edges: &[(usize, usize)]) -> Vec<Vec<usize>> {
    const SWEEPS: usize = 8;
    let mut needs: Vec<Vec<usize>> = vec![Vec::new(); count];
    let mut needed_by: Vec<Vec<usize>> = vec![Vec::new(); count];
    for (from, to) in edges {
        needs[*from].push(*to);
        needed_by[*to].push(*from);
    }
    let mut columns = columns(&needs);
    beside_their_users(&mut columns, &needed_by);
    let last = columns.iter().copied().max().map_or(0, |column| column + 1);
    let mut layers: Vec<Vec<usize>> = vec![Vec::new(); last];
    for (thing, column) in columns.iter().enumerate() {
        layers[*column].push(thing);
    }
    let mut rows = vec![0; count];
    number(&layers, &mut rows);
    for sweep in 0..SWEEPS {
        let neighbours = if sweep % 2 == 0 { &needs } else { &needed_by };
        let order: Vec<usize> =
            if sweep % 2 == 0 { (0..last).collect() } else { (0..last).rev().collect() };
        for column in order {
            let middle = |thing: usize| {
                let near = &neighbours[thing];
                let sum: usize = near.iter().map(|other| rows[*other]).sum();
                // In thousandths, so that ties keep their order.
                if near.is_empty() { rows[thing] * 1000 } else { sum * 1000 / near.len() }
            };
            let mut keyed: Vec<(usize, usize)> =
                layers[column].iter().map(|thing| (middle(*thing), *thing)).collect();
            keyed.sort_by_key(|(key, thing)| (*key, rows[*thing]));
            layers[column] = keyed.into_iter().map(|(_, thing)| thing).collect();
            for (row, thing) in layers[column].iter().enumerate() {
                rows[*thing] = row;
            }
        }
    }
    layers
}

/// Moves each thing next to the first that needs it, so that few edges pass by
/// a column.
fn beside_their_users(columns: &mut [usize], needed_by: &[Vec<usize>]) {
    let mut order: Vec<usize> = (0..columns.len()).collect();
    order.sort_by_key(|thing| std::cmp::Reverse(columns[*thing]));
    for thing in order {
        let nearest = needed_by[thing].iter().map(|user| columns[*user]).min();
        if let Some(nearest) = nearest
            && nearest > columns[thing] + 1
        {
            columns[thing] = nearest - 1;
        }
    }
}

fn number(layers: &[Vec<usize>], rows: &mut [usize]) {
    for layer in layers {
        for (row, thing) in layer.iter().enumerate() {
            rows[*thing] = row;
        }
    }
}

/// The longest way from each thing to one that needs nothing.
fn columns(needs: &[Vec<usize>]) -> Vec<usize> {
    const OPEN: usize = usize::MAX - 1;
    const UNKNOWN: usize = usize::MAX;
    let mut columns = vec![UNKNOWN; needs.len()];
    for start in 0..needs.len() {
        let mut open = vec![(start, 0)];
        while let Some((thing, place)) = open.pop() {
            if columns[thing] != UNKNOWN && columns[thing] != OPEN {
                continue;
            }
            columns[thing] = OPEN;
            match needs[thing].get(place) {
                Some(next) => {
                    open.push((thing, place + 1));
                    if columns[*next] == UNKNOWN {
                        open.push((*next, 0));
                    }
                }
                None => {
                    let furthest = needs[thing].iter().map(|next| columns[*next]);
                    let furthest = furthest.filter(|column| *column < OPEN).max();
                    columns[thing] = furthest.map_or(0, |column| column + 1);
                }
            }
        }
    }
    columns
}

#[cfg(test)]
mod tests {
    use super::layers;

    #[test]
    fn what_is_needed_stands_to_the_left() {
        let layers = layers(5, &[(0, 1), (1, 2), (0, 2), (3, 2)]);
        let column = |thing: usize| {
            layers.iter().position(|layer| layer.contains(&thing)).expect("each has its place")
        };
        assert!(column(2) < column(1) && column(1) < column(0) && column(2) < column(3));
        assert_eq!(layers.iter().map(Vec::len).sum::<usize>(), 5);
    }

    #[test]
    fn what_is_needed_stands_next_to_what_needs_it() {
        let layers = layers(4, &[(0, 1), (1, 2), (0, 3)]);
        assert_eq!(layers, [vec![2], vec![1, 3], vec![0]]);
    }

    #[test]
    fn a_circle_is_drawn_too() {
        let layers = layers(3, &[(0, 1), (1, 2), (2, 0)]);
        assert_eq!(layers.iter().map(Vec::len).sum::<usize>(), 3);
    }

    #[test]
    fn neighbours_that_would_cross_change_places() {
        let layers = layers(4, &[(2, 1), (3, 0)]);
        assert_eq!(layers.len(), 2);
        let first: Vec<usize> = layers[0].clone();
        let second: Vec<usize> = layers[1].clone();
        let row = |of: &[usize], thing: usize| of.iter().position(|held| *held == thing);
        assert_eq!(row(&first, 1) < row(&first, 0), row(&second, 2) < row(&second, 3));
    }
}
