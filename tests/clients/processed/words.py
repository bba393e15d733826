"""An application of Spark: how often each word occurs."""

from pyspark.sql import SparkSession

spark = SparkSession.builder.appName("words").getOrCreate()
lines = spark.sparkContext.textFile("file:///opt/ml/processing/input/data")
counts = lines.flatMap(str.split).map(lambda word: (word, 1)).reduceByKey(lambda a, b: a + b).collect()
with open("/opt/ml/processing/output/counts.csv", "w") as file:
    file.writelines(f"{word},{count}\n" for word, count in sorted(counts))
print(f"words={len(counts)} shuffle={spark.conf.get('spark.sql.shuffle.partitions')}", flush=True)
spark.stop()
