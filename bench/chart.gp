# gnuplot -e "data='FILE'; svg='FILE'" chart.gp: seconds to drain each workload's backlog, native beside walferry.
# A line of data: workload, native's seconds, walferry's seconds, their ratio.
set terminal svg size 900,420 font "sans-serif,13" background "#ffffff"
set output svg
set title "Draining the same backlog: seconds, lower is better; above walferry's bar how many times faster it is"
set style data histogram
set style histogram clustered gap 1
set style fill solid border -1
set boxwidth 0.9
set yrange [0:*]
set grid ytics lc rgb "#dddddd"
set key top right
unset border
set border 1
plot data using 2:xtic(1) title "native logical replication" lc rgb "#9aa5b1", \
     data using 3 title "walferry" lc rgb "#336791", \
     data using ($0 + 0.17):3:(sprintf("%.1fx", $4)) with labels offset 0,0.7 notitle
